import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { makeBackup, type BackupReport, type BackupSettings } from '../../../src/store/backup/make-backup.js'
import { openDatabase, type Connection } from '../../../src/store/database.js'
import { ledgerKeyOf } from '../../../src/store/ledger-key.js'
import { ledgerStatements } from '../../../src/store/ledger-statements.js'
import { queriesOf } from '../../../src/store/queries.js'
import { temporaryFolder } from '../../helper.js'
import { endOf, filesOf, newEvent } from '../support.js'

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The opening frame of the nth event: as large as many are, and like no other. */
export const frameOf = (nth: number): Buffer => Buffer.alloc(100_000 + nth, `frame ${nth} `)

/** A data folder as a server that was stopped leaves it, for tests that change it by hand. */
export class TestHistory {
  readonly folder: string
  readonly database: Connection

  constructor (t: Test, events = 0) {
    this.folder = join(temporaryFolder(t), 'data')
    mkdirSync(join(this.folder, 'oil_spill_frames'), { recursive: true })
    const key = ledgerKeyOf(this.folder)
    this.database = openDatabase(join(this.folder, 'videostream.db'))
    this.database.pragma('synchronous = OFF')
    const ledger = ledgerStatements(this.database)
    ledger.takeKey(key)
    ledger.seal(key)
    t.teardown(() => { this.database.close() })
    for (let nth = 1; nth <= events; nth += 1) this.addEvent(nth)
  }

  /** Adds an event with its file, and ends it. */
  addEvent (nth: number): void {
    const key = ledgerKeyOf(this.folder)
    const ledger = ledgerStatements(this.database)
    const { changeEvent } = queriesOf(this.database, ledger)
    const [event, frame] = [newEvent(nth), frameOf(nth)]
    const evidence = { ...event.evidence, framePath: pathOf(nth), sha256: sha256Of(frame), sizeBytes: frame.length }
    this.write(evidence.framePath, frame)
    const opened = changeEvent(undefined, { ...event, evidence, detection: { ...event.detection, sha256: evidence.sha256, sizeBytes: frame.length } })
    changeEvent(endOf(opened!.id, event.startedAtMs), undefined)
    ledger.seal(key)
  }

  write (path: string, bytes: Buffer): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), bytes)
  }
}

/** The hash of every file of a folder and below, but for the index of the log, where SQLite notes who reads. */
export function hashesOf (folder: string): Record<string, string> {
  return Object.fromEntries(Object.entries(filesOf(folder)).filter(([name]) => !name.endsWith('-shm')).map(([name, bytes]) => [name, sha256Of(Buffer.from(bytes))]))
}

/** Where the nth event's opening frame is. */
export const pathOf = (nth: number): string => `oil_spill_frames/oil_spill_20230623_${String(100_000 + nth)}.jpg`

/** A backup with the settings that most have. */
export async function backUp (history: Pick<TestHistory, 'folder'>, folder: string, options: Partial<BackupSettings> = {}): Promise<BackupReport> {
  return await makeBackup({
    dataFolder: history.folder, folder, appVersion: '1.2.3', nowMs: Date.UTC(2023, 5, 23, 14, 30), prune: false, rehash: false, withSecrets: false, ...options
  })
}

/** How often each thing was done. */
export function countsOf ({ copied, unchanged, former, pruned, findings }: BackupReport) {
  return { copied, unchanged, former, pruned, findings: findings.map(({ path, problem }) => `${problem} ${path}`) }
}
