import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ClipFiles } from '../../src/store/clip-files.js'
import type { EvidenceFiles } from '../../src/store/evidence-store.js'
import { sha256 } from '../clip-support.js'
import { temporaryFolder } from '../helper.js'

const PATH = 'oil_spill_frames/oil_spill_20230623_143022.mjpeg'
const [A, B, C] = ['first', 'second', 'third'].map(text => Buffer.from(text.repeat(100))) as [Buffer, Buffer, Buffer]

/** The machine's own files, of which the nth operation of a name fails; a write when half of it is done. */
function failingFiles (operation: 'writeFile' | 'sync', nth: number): EvidenceFiles {
  let count = 0
  const isDue = (name: string): boolean => name === operation && ++count === nth
  const error = Object.assign(new Error('input/output error'), { code: 'EIO' })
  return {
    ...fs,
    open: async (path, flags, mode) => {
      const handle = await fs.open(path, flags, mode)
      return Object.assign(Object.create(handle), {
        writeFile: async (bytes: Buffer) => {
          if (isDue('writeFile')) {
            await handle.writeFile(bytes.subarray(0, bytes.length / 2))
            throw error
          }
          await handle.writeFile(bytes)
        },
        sync: async () => {
          if (isDue('sync')) throw error
          await handle.sync()
        },
        stat: async () => await handle.stat(),
        truncate: async (size: number) => { await handle.truncate(size) },
        close: async () => { await handle.close() }
      })
    }
  }
}

function setUp (t: Test, files?: EvidenceFiles) {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'oil_spill_frames'))
  return { folder, file: join(folder, PATH), clips: new ClipFiles(folder, files) }
}

t.test('frames lie one behind the other', async t => {
  const { clips, file } = setUp(t)
  await clips.append(PATH, 0, [A, B])
  await clips.append(PATH, A.length + B.length, [C])
  t.strictSame(readFileSync(file), Buffer.concat([A, B, C]))
  t.equal(statSync(file).mode & 0o777, 0o640)
  t.equal(await clips.digest(PATH, A.length + B.length), sha256(Buffer.concat([A, B])))
  const into = Buffer.alloc(B.length)
  t.equal(await clips.read(PATH, A.length, into), true)
  t.strictSame(into, B)
  t.equal(await clips.read(PATH, A.length + B.length + 1, Buffer.alloc(C.length)), false, 'there is no more')
})

t.test('a write that fails leaves the file as it was, and the next one works', async t => {
  for (const operation of ['writeFile', 'sync'] as const) {
    const { clips, file } = setUp(t, failingFiles(operation, operation === 'writeFile' ? 2 : 3))
    await clips.append(PATH, 0, [A]) // flushes the folder too
    await t.rejects(clips.append(PATH, A.length, [B]), { code: 'EIO' })
    t.strictSame(readFileSync(file), A, operation)
    await clips.append(PATH, A.length, [C])
    t.strictSame(readFileSync(file), Buffer.concat([A, C]))
  }
})

t.test('a first write that fails leaves no file', async t => {
  for (const operation of ['writeFile', 'sync'] as const) {
    const { clips, file } = setUp(t, failingFiles(operation, 1))
    await t.rejects(clips.append(PATH, 0, [A, B]), { code: 'EIO' })
    t.notOk(existsSync(file))
  }
})

t.test('what lies behind the index is written over, and nothing is written behind a hole', async t => {
  const { clips, file } = setUp(t)
  await clips.append(PATH, 0, [A, B])
  await clips.append(PATH, A.length, [C])
  t.strictSame(readFileSync(file), Buffer.concat([A, C]))
  truncateSync(file, 10)
  await t.rejects(clips.append(PATH, A.length, [B]), { code: 'CLIP_TOO_SHORT' })
  t.equal(statSync(file).size, 10, 'and what is left is left alone')
  await t.rejects(clips.digest(PATH, A.length), { code: 'CLIP_TOO_SHORT' })
})

t.test('a tail that no index knows is set aside', async t => {
  const { clips, folder, file } = setUp(t)
  t.equal(await clips.setTailAside(PATH, 0), undefined, 'there is no file')
  await clips.append(PATH, 0, [A, B])
  t.equal(await clips.setTailAside(PATH, A.length + B.length), undefined)
  t.match(await clips.setTailAside(PATH, A.length), { bytes: B.length })
  t.strictSame(readFileSync(file), A)
  writeFileSync(file, Buffer.concat([A, C]))
  t.match(await clips.setTailAside(PATH, A.length), { bytes: C.length })
  const tails = readdirSync(join(folder, 'unclaimed_frames')).sort()
  t.strictSame(tails, ['oil_spill_20230623_143022-2.tail', 'oil_spill_20230623_143022.tail'])
  t.strictSame(tails.map(name => readFileSync(join(folder, 'unclaimed_frames', name))), [C, B])
})

t.test('a tail is told by its path, size and hash, however long it is', async t => {
  const { clips, folder, file } = setUp(t)
  const tail = Buffer.alloc(200_000, 'tail of more than one slice')
  t.equal(await clips.setTailAside(PATH, 0), undefined, 'there is no file')
  writeFileSync(file, Buffer.concat([A, tail]))
  const path = 'unclaimed_frames/oil_spill_20230623_143022.tail'
  t.strictSame(await clips.setTailAside(PATH, A.length), { path, bytes: tail.length, sha256: sha256(tail) })
  t.strictSame(readFileSync(join(folder, path)), tail)
  t.strictSame(readFileSync(file), A)
})

t.test('a tail of which not all can be read stays where it is', async t => {
  const { clips, folder, file } = setUp(t, {
    ...fs,
    open: async (path, flags, mode) => {
      const handle = await fs.open(path, flags, mode)
      const real = await fs.open(path, 'r')
      t.teardown(async () => { await real.close() })
      const readable = A.length + 10
      return Object.assign(handle, {
        read: async (into: Buffer, offset: number, length: number, position: number) =>
          await real.read(into, offset, Math.max(0, Math.min(length, readable - position)), position)
      })
    }
  })
  writeFileSync(file, Buffer.concat([A, B]))
  await t.rejects(clips.setTailAside(PATH, A.length), { code: 'CLIP_TOO_SHORT' })
  t.strictSame(readFileSync(file), Buffer.concat([A, B]))
  t.strictSame(readdirSync(join(folder, 'unclaimed_frames')), [])
})

t.test('a tail that cannot be saved stays where it is', async t => {
  const { clips, file } = setUp(t, failingFiles('writeFile', 1))
  writeFileSync(file, Buffer.concat([A, B]))
  await t.rejects(clips.setTailAside(PATH, A.length), { code: 'EIO' })
  t.strictSame(readFileSync(file), Buffer.concat([A, B]))
})

t.test('a frame is compared with its hash', async t => {
  const { clips, file } = setUp(t)
  await clips.append(PATH, 0, [A, B])
  const place = { path: PATH, offsetBytes: A.length, sizeBytes: B.length, sha256: sha256(B) }
  t.strictSame((await clips.readFrame(place)).jpeg, B)
  await t.rejects(clips.readFrame({ ...place, sha256: sha256(A) }), { code: 'EVIDENCE_ALTERED' })
  truncateSync(file, A.length + 1)
  await t.rejects(clips.readFrame(place), { code: 'EVIDENCE_ALTERED' })
  await t.rejects(clips.readFrame({ ...place, path: 'oil_spill_frames/other.mjpeg' }), { code: 'EVIDENCE_MISSING' })
})
