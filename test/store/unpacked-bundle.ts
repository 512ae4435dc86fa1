import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import type { Test } from 'tap'
import { Bundles } from '../../src/store/bundle.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { temporaryFolder } from '../helper.js'

/** Unpacks a ZIP as another program does. Returns the folder that is in it. */
export function unpacked (t: Test, zip: Buffer, eventId: number): string {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'bundle.zip'), zip)
  execFileSync('python3', ['-m', 'zipfile', '-e', join(folder, 'bundle.zip'), folder])
  return join(folder, `oil_spill_event_${eventId}`)
}

/** The bundle of an event of a data folder that no server uses, unpacked. */
export async function bundleOf (t: Test, dataFolder: string, eventId: number): Promise<string> {
  const sql = await SqlThread.open(join(dataFolder, 'videostream.db'))
  try {
    const bundle = await new Bundles(sql, dataFolder).pack(eventId, 'user:anna', Date.UTC(2023, 5, 24))
    if (bundle === undefined) throw new Error(`no event ${eventId}`)
    return unpacked(t, await buffer(bundle.zip), bundle.eventId)
  } finally {
    await sql.close()
  }
}

/** Runs a bundle's verifier, on a thread, since that is quicker than a process. */
export async function verifyBundle (folder: string, ...args: string[]): Promise<{ exitCode: number, lines: string[] }> {
  const worker = new Worker(join(folder, 'verify.mjs'), { stdout: true, argv: args, execArgv: [] })
  const [[exitCode], out] = await Promise.all([once(worker, 'exit') as Promise<[number]>, text(worker.stdout)])
  return { exitCode, lines: out.trimEnd().split('\n') }
}
