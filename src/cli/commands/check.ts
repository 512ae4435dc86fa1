import { join } from 'node:path'
import { checkData, type CheckFinding, type CheckSummary } from '../../store/data-check.js'
import { claimDataFolder, isDataFolderInUse } from '../../store/data-folder.js'
import { DataRepair } from '../../store/data-repair.js'
import { DATABASE_FILE } from '../../store/folder.js'
import { openForReading } from '../../store/reading.js'
import { SqlThread } from '../../store/sql-thread.js'
import { COMMON_HELP, CommandError, EXIT, historyFolderOf, parseCommand, type Command } from './command.js'
import { countText } from './sizes.js'

/** What was found, and what was done about it; undefined for nothing. */
interface Result { readonly finding: CheckFinding, readonly repaired: string | undefined }

/** `videostream check`. */
export const check: Command = {
  name: 'check',
  summary: 'finds what a crash or a full disk has left behind, and mends it',
  help: `check [options]

Looks whether database and files agree: rows without a file, files without a row, files that were not finished, clips that
are longer or shorter than their index, deletions that were broken off, events that are open though their camera is gone,
and what SQLite itself checks. It changes nothing, and may run while the server does. It does not read the pictures;
videostream verify does, and compares every hash.

  --repair  mend what can be mended, while no server is running. No evidence is deleted: what the history does not know
            is moved to unclaimed_frames in the data folder. What is lost stays a finding, until it is restored from a
            backup
${COMMON_HELP}

Exit codes: 0 nothing is wrong, or all of it was mended, 1 something is wrong: it is listed, 2 called in a wrong way, 3 not
done.`,

  async run (args, { terminal, environment }) {
    const { values } = parseCommand(check, args, { repair: { type: 'boolean', default: false } })
    const folder = historyFolderOf(values, environment)
    const { results, summary } = values.repair ? await repair(folder) : await look(folder, isDataFolderInUse(folder))
    terminal.log(values.json ? JSON.stringify(toJson(results, summary)) : toText(results, summary))
    return results.every(({ repaired }) => repaired !== undefined) ? EXIT.ok : EXIT.finding
  }
}

async function look (folder: string, isRunning: boolean): Promise<{ results: Result[], summary: CheckSummary }> {
  const database = openForReading(join(folder, DATABASE_FILE))
  try {
    const results: Result[] = []
    const summary = await checkData({
      database, dataFolder: folder, isRunning, onFinding: finding => { results.push({ finding, repaired: undefined }) }
    })
    return { results, summary }
  } finally {
    database.close()
  }
}

async function repair (folder: string): Promise<{ results: Result[], summary: CheckSummary }> {
  if (isDataFolderInUse(folder)) throw new CommandError(`a server is running on ${folder}: stop it first; without --repair the check may run meanwhile`)
  const claim = claimDataFolder(folder)
  try {
    const found = await look(folder, false)
    if (found.results.length === 0) return found
    // Where SQLite finds damage, nothing more is written.
    if (found.results.some(({ finding }) => finding.kind === 'database_damaged')) return found
    const sql = await SqlThread.open(join(folder, DATABASE_FILE))
    try {
      const repairs = new DataRepair(sql, folder)
      const results: Result[] = []
      for (const { finding } of found.results) results.push({ finding, repaired: await repairs.mend(finding) })
      return { ...found, results }
    } finally {
      await sql.close()
    }
  } finally {
    claim.release()
  }
}

function toJson (results: readonly Result[], { events, missing, files }: CheckSummary) {
  return {
    ok: results.every(({ repaired }) => repaired !== undefined),
    events,
    events_without_evidence: missing,
    files,
    findings: results.map(({ finding: { kind, subject, problem }, repaired }) => ({ kind, subject, problem, repaired: repaired ?? null }))
  }
}

function toText (results: readonly Result[], { events, missing, files }: CheckSummary): string {
  return [
    ...results.map(({ finding: { kind, subject, problem }, repaired }) => `${kind}: ${subject}: ${problem}${repaired === undefined ? '' : `; ${repaired}`}`),
    `checked ${countText(events, 'event')} with ${countText(files, 'file')}: ${results.length === 0 ? 'nothing is wrong' : countText(results.length, 'finding')}`,
    ...missing > 0 ? [`${countText(missing, 'event')} ${missing === 1 ? 'has' : 'have'} no picture, since there was no room for one`] : []
  ].join('\n')
}
