import fs from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { ClipFiles } from '../../src/store/clip-files.js'
import { DatasetExport } from '../../src/store/dataset-export.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { sha256 } from '../../src/core/sha256.js'
import { temporaryFolder } from '../helper.js'
import { newDetection, newEvent } from './support.js'

/** A disk that gives a few bytes at a time, as network file systems may. */
const haltingFiles = {
  ...fs,
  open: async (...args: Parameters<typeof fs.open>) => {
    const file = await fs.open(...args)
    const read = file.read.bind(file)
    return Object.assign(file, { read: async (into: Buffer, at: number, length: number, position: number) => await read(into, at, Math.min(length, 5), position) })
  }
}

t.test('an image that the disk gives piece by piece is in the ZIP', async t => {
  const folder = temporaryFolder(t)
  const sql = await SqlThread.open(join(folder, 'videostream.db'))
  t.teardown(async () => { await sql.close() })
  const image = Buffer.from('the image as the camera sent it')
  const event = newEvent(0, { endedAtMs: newDetection(1).takenAtMs })
  const is = { sha256: await sha256(image), sizeBytes: image.length }
  await sql.call('changeEvent', undefined, { ...event, evidence: { ...event.evidence, framePath: 'oil_spill_frames/event_0.jpg', ...is }, detection: { ...event.detection, ...is } })
  await sql.call('reviewEvent', { eventId: 1, username: 'anna', atMs: 5000 }, { verdict: 'confirmed', lookAlike: null, oilAppearanceCode: null, notes: '' })
  await fs.mkdir(join(folder, 'oil_spill_frames'))
  await fs.writeFile(join(folder, 'oil_spill_frames/event_0.jpg'), image)
  const leftOut: unknown[] = []
  const dataset = new DatasetExport(sql, folder, new ClipFiles(folder, haltingFiles), (_, error) => { leftOut.push(error) })
  const zip = await buffer(dataset.zip({ verdicts: ['confirmed'], camera: null, fromMs: null, toMs: null }, 0))
  t.strictSame(leftOut, [])
  t.ok(zip.includes(image))
})
