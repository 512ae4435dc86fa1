import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DATABASE_FILE } from '../../store/folder.js'
import { openForReading } from '../../store/reading.js'
import { readCheckpoints } from '../../store/outside-checkpoints.js'
import { firstEntrySince, lastEntry, verifyHistory, type Finding, type OutsideCheckpoint, type VerifySummary } from '../../store/verify.js'
import { COMMON_HELP, CommandError, EXIT, historyFolderOf, parseCommand, type Command, type ExitCode, type Terminal } from './command.js'

/** Recomputes all that the ledger proves. */
export const verify: Command = {
  name: 'verify',
  summary: 'recompute the ledger, its signatures and the hash of every file',
  help: `verify [--since SEQUENCE|TIME] [--checkpoint FILE]... [--public-key FILE]...

Recomputes the chain of the ledger, the signatures of its head and checkpoints, the rows of events, detections, clips
and reviews that it tells of, and the SHA-256 of every file of evidence. Says of each thing that is not as it was
written what it is and where it begins to differ. Only reads, whether a server runs or not.

All that it reads is one state of the history. Until it is done, what a server writes meanwhile stays in
videostream.db-wal, which grows by that. Where it takes hours, verify a backup that was restored elsewhere.

  --since SEQUENCE    only from this entry of the ledger on, and the events that it and later ones tell of
  --since TIME        the same from the first entry of this time on (2023-06-23, 2023-06-23T14:30:22; UTC)
  --checkpoint FILE   compare with a checkpoint that was kept outside: the JSON that was posted or that /api/integrity
                      answers, or a log of the server; may be repeated
  --public-key FILE   the public key as it was known before, as PEM; only its signatures count. Without it the keys are
                      those that the ledger itself names, which proves less. May be repeated${COMMON_HELP}

Exit code: 0 all is as it was written, 1 something is not, 2 called in a wrong way, 3 it could not be read.`,

  async run (args, context): Promise<ExitCode> {
    const { values } = parseCommand(verify, args, {
      since: { type: 'string' },
      checkpoint: { type: 'string', multiple: true, default: [] },
      'public-key': { type: 'string', multiple: true }
    })
    const folder = historyFolderOf(values, context.environment)
    const checkpoints = values.checkpoint.flatMap(checkpointsIn)
    const publicKeys = values['public-key']?.map(textOf)
    const path = join(folder, DATABASE_FILE)
    const database = openForReading(path)
    try {
      const since = values.since === undefined ? undefined : sinceOf(values.since, database)
      const output = values.json ? new JsonOutput(context.terminal) : new TextOutput(context.terminal)
      const summary = await verifyHistory(database, folder, {
        since,
        checkpoints,
        ...(publicKeys !== undefined && { publicKeys }),
        onFinding: finding => { output.finding(finding) },
        openNow: () => openForReading(path)
      })
      output.end(summary)
      return summary.findings === 0 ? EXIT.ok : EXIT.finding
    } finally {
      database.close()
    }
  }
}

/** One line for each finding, then what was verified. */
class TextOutput {
  readonly #terminal: Terminal
  constructor (terminal: Terminal) { this.#terminal = terminal }

  finding ({ subject, problem }: Finding): void { this.#terminal.log(`${subject}: ${problem}`) }

  end (summary: VerifySummary): void {
    const { entries, since, sequence, events, detections, clipFrames, files, bytes, checkpoints, findings, keyIds, trusted, unproved } = summary
    const log = this.#terminal.log.bind(this.#terminal)
    log(`${entries} ledger entries${since > 1 ? ` from row ${since} on` : ''}, ${events} events, ${detections} detections, ${clipFrames} frames of clips, ${files} files (${bytes} bytes) and ${checkpoints} checkpoints were verified, up to ledger row ${sequence}.`)
    if (unproved > 0) log(`${unproved} detections are older than the ledger: nothing proves them.`)
    if (!trusted) log(`The key is the one that the ledger itself names: compare ${keyIds.join(', ')} with what you know from elsewhere, or use --public-key.`)
    log(findings === 0 ? 'Nothing was found to be wrong.' : `${findings} ${findings === 1 ? 'thing was' : 'things were'} found to be wrong.`)
  }
}

/** One JSON object, written as it comes: the findings may be many. */
class JsonOutput {
  readonly #terminal: Terminal
  #lead = '{"findings":['
  constructor (terminal: Terminal) { this.#terminal = terminal }

  finding ({ subject, problem }: Finding): void {
    this.#terminal.log(`${this.#lead}${JSON.stringify({ subject, problem })}`)
    this.#lead = ','
  }

  end (summary: VerifySummary): void {
    const verified = {
      since: summary.since,
      entries: summary.entries,
      last_sequence: summary.sequence,
      last_hash: summary.hash,
      events: summary.events,
      detections: summary.detections,
      detections_unproved: summary.unproved,
      clip_frames: summary.clipFrames,
      files: summary.files,
      bytes: summary.bytes,
      checkpoints: summary.checkpoints,
      key_ids: summary.keyIds,
      key_trusted: summary.trusted
    }
    this.#terminal.log(`${this.#lead === ',' ? '' : this.#lead}],"ok":${summary.findings === 0},"verified":${JSON.stringify(verified)}}`)
  }
}

function sinceOf (text: string, database: ReturnType<typeof openForReading>): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= 1) {
    if (Number(text) > lastEntry(database)) throw new CommandError(`verify: the ledger has no entry ${text}: it ends with ${lastEntry(database)}`, EXIT.usage)
    return Number(text)
  }
  const hasZone = /(Z|[+-]\d{2}:\d{2})$/.test(text)
  const isTime = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)
  const atMs = isTime ? Date.parse(text.length === 10 || hasZone ? text : `${text.replace(' ', 'T')}Z`) : NaN
  if (Number.isNaN(atMs)) throw new CommandError(`verify: --since must be the number of an entry or a time such as 2023-06-23T14:30:22, but it is "${text}"`, EXIT.usage)
  const sequence = firstEntrySince(database, atMs)
  if (sequence === undefined) throw new CommandError(`verify: the ledger has no entry from ${text} or later`, EXIT.usage)
  return sequence
}

function checkpointsIn (path: string): OutsideCheckpoint[] {
  const found = readCheckpoints(textOf(path)).map(head => ({ name: `checkpoint ${head.sequence} of ${path}`, head }))
  if (found.length === 0) throw new CommandError(`verify: there is no checkpoint in ${path}`, EXIT.usage)
  return found
}

function textOf (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandError(`verify: ${path} cannot be read (${String(error)})`, EXIT.usage)
  }
}
