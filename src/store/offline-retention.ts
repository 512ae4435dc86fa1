import fs from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../core/clock.js'
import { policyOf, RetentionChoice, type Deletion, type EvidenceUsage, type RetentionSettings } from '../core/retention.js'
import type { Connection } from './database.js'
import { DiskRoom } from './disk-room.js'
import { DATABASE_FILE } from './folder.js'
import { Garbage } from './garbage.js'
import { deletionsOf, Retention, type RetentionReport } from './retention.js'
import { retentionReads } from './retention-queries.js'
import { SqlThread } from './sql-thread.js'

/** What has been deleted, or would be now. */
export interface RetentionRound extends RetentionReport {
  readonly deletions: readonly Deletion[]
  /** Before it. */
  readonly usage: EvidenceUsage
}

/** Says what would be deleted now, whether a server is running or not, and changes nothing. */
export async function planRetention (database: Connection, dataFolder: string, settings: RetentionSettings): Promise<RetentionRound> {
  const policy = policyOf(settings)
  const reads = retentionReads(database)
  const room = new DiskRoom({ dataFolder, files: fs, clock: systemClock, minFreeBytes: policy.minFreeBytes })
  const usage = { totalBytes: reads.evidenceBytes(), freeBytes: await room.look() }
  const choice = new RetentionChoice(policy, usage, systemClock.nowMs())
  const deletions: Deletion[] = []
  const reader = { pageOfDeletable: async (...args: Parameters<typeof reads.pageOfDeletable>) => reads.pageOfDeletable(...args) }
  for await (const each of deletionsOf(reader, policy, choice)) deletions.push(each)
  const bytes = deletions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return { deletions, usage, events: deletions.length, bytes, limitExceeded: choice.limitExceeded }
}

/**
 * Deletes what has to go, where no server is running that would. Rejects with StartupError where the database cannot be
 * used, and with the first error of deleting a file.
 */
export async function runRetention (dataFolder: string, settings: RetentionSettings): Promise<RetentionRound> {
  const policy = policyOf(settings)
  const sql = await SqlThread.open(join(dataFolder, DATABASE_FILE))
  try {
    const room = new DiskRoom({ dataFolder, files: fs, clock: systemClock, minFreeBytes: policy.minFreeBytes })
    const garbage = new Garbage(sql, dataFolder, fs)
    let undeleted: unknown
    const deletions: Deletion[] = []
    const retention = new Retention({
      sql, garbage, room, clock: systemClock, policy, onDeleted: gone => { deletions.push(...gone) }, onUndeleted: error => { undeleted ??= error }
    })
    const usage = await retention.usage()
    const report = await retention.run('command')
    if (undeleted !== undefined) throw undeleted
    return { ...report, deletions, usage }
  } finally {
    await sql.close()
  }
}
