import { join } from 'node:path'
import { loadConfig, type Config } from '../../config.js'
import { claimDataFolder, isDataFolderInUse } from '../../store/data-folder.js'
import { DATABASE_FILE } from '../../store/folder.js'
import { planRetention, runRetention, type RetentionRound } from '../../store/offline-retention.js'
import { openForReading } from '../../store/reading.js'
import { COMMON_HELP, CommandError, EXIT, historyFolderOf, parseCommand, type Command } from './command.js'
import { countText, sizeText } from './sizes.js'

const WHY = { age: 'older than RETAIN_DAYS', total_bytes: 'beyond RETAIN_MAX_BYTES', free_disk: 'in the way of MIN_FREE_BYTES' } as const

/** `videostream retention`. */
export const retention: Command = {
  name: 'retention',
  summary: 'says what evidence would be deleted and why, or deletes it',
  help: `retention [options]

Deletes evidence as RETAIN_DAYS, RETAIN_MAX_BYTES and MIN_FREE_BYTES say, oldest first, never that of an event that is
open, held or, unless RETAIN_UNREVIEWED is delete, not reviewed. Events, their detections and their hashes stay, and the
ledger tells of each deletion. A running server does this by itself twice a minute. The settings are those of the
environment and of .env, as the server reads them.

  --dry-run  say what would go now, and why, and change nothing; also while the server runs
${COMMON_HELP}

Exit codes: 0 done, 1 done, but there is still more evidence than may be, and none of it may be deleted, 2 called in a
wrong way, 3 not done.`,

  async run (args, { terminal, environment }) {
    const { values } = parseCommand(retention, args, { 'dry-run': { type: 'boolean', default: false } })
    const folder = historyFolderOf(values, environment)
    const settings = loadConfig(environment)
    if (!values['dry-run'] && isDataFolderInUse(folder)) {
      throw new CommandError(`a server is running on ${folder}: it does this by itself; --dry-run says what would go`)
    }
    const isDryRun = values['dry-run']
    const done = isDryRun ? await planned(folder, settings) : await carriedOut(folder, settings)
    terminal.log(values.json ? JSON.stringify(toJson(done, isDryRun)) : toText(done, isDryRun))
    return done.limitExceeded === undefined ? EXIT.ok : EXIT.finding
  }
}

async function planned (folder: string, settings: Config): Promise<RetentionRound> {
  const database = openForReading(join(folder, DATABASE_FILE))
  try {
    return await planRetention(database, folder, settings)
  } finally {
    database.close()
  }
}

async function carriedOut (folder: string, settings: Config): Promise<RetentionRound> {
  const claim = claimDataFolder(folder)
  try {
    return await runRetention(folder, settings)
  } finally {
    claim.release()
  }
}

function toJson ({ deletions, usage: { totalBytes, freeBytes }, events, bytes, limitExceeded }: RetentionRound, isDryRun: boolean) {
  return {
    dry_run: isDryRun,
    evidence_bytes: totalBytes,
    free_bytes: freeBytes ?? null,
    events,
    bytes,
    limit_exceeded: limitExceeded ?? null,
    deletions: deletions.map(({ eventId, cameraId, startedAtMs, endedAtMs, files, sizeBytes, reason }) => ({
      id: eventId, camera_id: cameraId, started_at: new Date(startedAtMs).toISOString(), ended_at: new Date(endedAtMs).toISOString(), files, bytes: sizeBytes, reason
    }))
  }
}

function toText ({ deletions, usage: { totalBytes, freeBytes }, events, bytes, limitExceeded }: RetentionRound, isDryRun: boolean): string {
  return [
    ...deletions.map(({ eventId, cameraId, startedAtMs, files, sizeBytes, reason }) =>
      `event ${eventId} of ${cameraId}, ${new Date(startedAtMs).toISOString()}: ${countText(files, 'file')}, ${sizeText(sizeBytes)}, ${WHY[reason]}`),
    `${isDryRun ? 'would delete' : 'deleted'} the evidence of ${countText(events, 'event')}, ${sizeText(bytes)} of ${sizeText(totalBytes)}` +
      (freeBytes === undefined ? '' : `; ${sizeText(freeBytes)} ${isDryRun ? 'are' : 'were'} free on the disk`),
    ...limitExceeded === undefined ? [] : [`there is still evidence ${WHY[limitExceeded]}, and no more of it may be deleted: review or release events, or raise the limit`]
  ].join('\n')
}
