import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Frame } from '../../src/core/frame.js'
import { EvidenceStore, type EvidenceFiles } from '../../src/store/evidence-store.js'
import { FakeClock, frame, jpeg, temporaryFolder } from '../helper.js'
import { fillDisk, smallDisk } from './support.js'

const PATH = 'oil_spill_frames/oil_spill_20230623_143022.jpg'
const PICTURE = jpeg()
const OTHER_PICTURE = jpeg({ color: [200, 2, 2] })

async function setUp (t: Test, files?: EvidenceFiles) {
  const folder = temporaryFolder(t)
  const store = await EvidenceStore.open(folder, files)
  return { folder, frames: join(folder, 'oil_spill_frames'), store }
}

function spill (bytes = PICTURE): Frame {
  return frame(new FakeClock(), { spill: true, jpeg: bytes })
}

function systemError (code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code })
}

/**
 * The machine's own file system, which notes each step as `operation name`, and fails before the one step for which
 * there is an error. A write fails when half of it is done, as on a full disk.
 */
function watchedFiles (steps: string[], failing?: { step: string, error: Error }): EvidenceFiles {
  const note = (operation: string, path: string): void => {
    const step = `${operation} ${basename(path)}`
    steps.push(step)
    if (failing?.step === step) throw failing.error
  }
  return {
    ...fs,
    access: async (path, mode) => { note('access', String(path)); await fs.access(path, mode) },
    rename: async (from, to) => { note('rename', String(to)); await fs.rename(from, to) },
    open: async (path, flags, mode) => {
      note('open', String(path))
      const handle = await fs.open(path, flags, mode)
      return Object.assign(Object.create(handle), {
        writeFile: async (bytes: Buffer) => {
          if (failing?.step.startsWith('write ') === true) await handle.writeFile(bytes.subarray(0, bytes.length / 2))
          note('write', String(path))
          await handle.writeFile(bytes)
        },
        sync: async () => { note('fsync', String(path)); await handle.sync() },
        close: async () => { await handle.close(); note('close', String(path)) }
      })
    }
  }
}

t.test('the folder of evidence is made, and made to last', async t => {
  const folder = temporaryFolder(t)
  const steps: string[] = []
  await EvidenceStore.open(folder, watchedFiles(steps))
  t.ok(statSync(join(folder, 'oil_spill_frames')).isDirectory())
  t.strictSame(steps, [`open ${basename(folder)}`, `fsync ${basename(folder)}`, `close ${basename(folder)}`])
  await EvidenceStore.open(folder)
})

t.test('the camera\'s own bytes are stored', async t => {
  const { folder, store } = await setUp(t)
  t.strictSame(await store.save(spill()), {
    framePath: PATH,
    sha256: createHash('sha256').update(PICTURE).digest('hex'),
    sizeBytes: PICTURE.length,
    width: 16,
    height: 8
  })
  t.strictSame(readFileSync(join(folder, PATH)), PICTURE)
})

t.test('others than its owner and group cannot read it, and nobody but the owner may change it', async t => {
  const umask = process.umask(0)
  t.teardown(() => { process.umask(umask) })
  const { folder, store } = await setUp(t)
  await store.save(spill())
  t.equal(statSync(join(folder, PATH)).mode & 0o777, 0o640)
})

t.test('another event of the same second gets a suffix', async t => {
  const { store } = await setUp(t)
  const paths = []
  for (let i = 0; i < 3; i += 1) paths.push((await store.save(spill())).framePath)
  t.strictSame(paths, [PATH, PATH.replace('.jpg', '_2.jpg'), PATH.replace('.jpg', '_3.jpg')])
})

t.test('so do events that are stored at the same time', async t => {
  const { folder, store } = await setUp(t)
  const pictures = Array.from({ length: 8 }, (_, i) => Buffer.from(`picture ${i}`))
  const stored = await Promise.all(pictures.map(async picture => await store.save(spill(picture))))
  t.equal(new Set(stored.map(each => each.framePath)).size, 8)
  for (const [i, { framePath }] of stored.entries()) t.strictSame(readFileSync(join(folder, framePath)), pictures[i])
})

t.test('a file that is there already is never written over', async t => {
  const { folder, store } = await setUp(t)
  writeFileSync(join(folder, PATH), 'evidence of an earlier run')
  t.equal((await store.save(spill())).framePath, PATH.replace('.jpg', '_2.jpg'))
  t.equal(readFileSync(join(folder, PATH), 'utf8'), 'evidence of an earlier run')
})

const SAVE_STEPS = [
  'access oil_spill_20230623_143022.jpg',
  'access oil_spill_20230623_143022.mjpeg',
  'open .oil_spill_20230623_143022.jpg.part',
  'write .oil_spill_20230623_143022.jpg.part',
  'fsync .oil_spill_20230623_143022.jpg.part',
  'close .oil_spill_20230623_143022.jpg.part',
  'rename oil_spill_20230623_143022.jpg',
  'open oil_spill_frames',
  'fsync oil_spill_frames',
  'close oil_spill_frames'
]

t.test('a file is written under another name, flushed, renamed, and its folder flushed, in this order', async t => {
  const steps: string[] = []
  const { store } = await setUp(t, watchedFiles(steps))
  steps.length = 0
  await store.save(spill())
  t.strictSame(steps, SAVE_STEPS)
})

for (const step of SAVE_STEPS) {
  t.test(`a failure leaves nothing behind, and the next try works: ${step}`, async t => {
    for (const code of ['ENOSPC', 'EIO']) {
      const error = systemError(code)
      const failing = { step: '', error }
      const { folder, frames, store } = await setUp(t, watchedFiles([], failing))
      failing.step = step
      await t.rejects(store.save(spill()), error)
      t.strictSame(readdirSync(frames), [])
      failing.step = ''
      t.equal((await store.save(spill())).framePath, PATH)
      t.strictSame(readFileSync(join(folder, PATH)), PICTURE)
    }
  })
}

t.test('a full disk leaves nothing behind, and the next try works', async t => {
  const disk = smallDisk(t, 256)
  if ('problem' in disk) return t.pass('not run', { skip: disk.problem })
  const store = await EvidenceStore.open(disk.path)
  const makeRoom = fillDisk(disk.path, 2)
  await t.rejects(store.save(spill(Buffer.alloc(20_000, 1))), { code: 'ENOSPC' })
  t.strictSame(readdirSync(join(disk.path, 'oil_spill_frames')), [])
  makeRoom()
  await t.resolves(store.save(spill(Buffer.alloc(20_000, 1))))
})

t.test('evidence whose event was not stored can be discarded, and its name is free again', async t => {
  const { frames, store } = await setUp(t)
  const evidence = await store.save(spill())
  await store.discard(evidence)
  t.strictSame(readdirSync(frames), [])
  await store.discard(evidence)
  t.equal((await store.save(spill())).framePath, PATH)
})

t.test('evidence is read as it was stored', async t => {
  const { store } = await setUp(t)
  t.strictSame(await store.read(await store.save(spill())), PICTURE)
})

t.test('evidence that was altered is not shown', async t => {
  const { folder, store } = await setUp(t)
  const evidence = await store.save(spill())
  const altered = Buffer.from(PICTURE)
  altered.writeUInt8((altered[100] ?? 0) ^ 1, 100)
  writeFileSync(join(folder, PATH), altered)
  await t.rejects(store.read(evidence), { code: 'EVIDENCE_ALTERED', message: new RegExp(PATH) })
})

t.test('evidence that is missing is said to be', async t => {
  const { folder, store } = await setUp(t)
  const evidence = await store.save(spill())
  await fs.unlink(join(folder, PATH))
  await t.rejects(store.read(evidence), { code: 'EVIDENCE_MISSING', message: new RegExp(PATH) })
})

t.test('the sweep after a crash', async t => {
  /** What a store finds at its start: file names below the data folder with their contents. */
  async function swept (t: Test, before: Record<string, string>, claimed: string[] = []) {
    const { folder, store } = await setUp(t)
    for (const [path, content] of Object.entries(before)) {
      mkdirSync(join(folder, path, '..'), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
    const asked: string[][] = []
    const moved = await store.sweep(async paths => {
      asked.push(paths)
      return paths.filter(path => !claimed.includes(path))
    })
    const names = (readdirSync(folder, { recursive: true }) as string[]).filter(path => statSync(join(folder, path)).isFile())
    return { moved, asked, after: Object.fromEntries(names.map(path => [path, readFileSync(join(folder, path), 'utf8')])) }
  }

  t.test('finds nothing to do in an empty folder', async t => {
    const { moved, after } = await swept(t, {})
    t.equal(moved, 0)
    t.strictSame(after, {})
  })

  t.test('removes files that were not finished', async t => {
    const { moved, after } = await swept(t, {
      'oil_spill_frames/.oil_spill_20230623_143022.jpg.part': 'half',
      'oil_spill_frames/.oil_spill_20230623_143022_2.jpg.part': 'half'
    })
    t.equal(moved, 0)
    t.strictSame(after, {})
  })

  t.test('leaves claimed evidence where it is, and moves the rest to unclaimed_frames', async t => {
    const { moved, after } = await swept(t, {
      [PATH]: 'claimed', 'oil_spill_frames/oil_spill_20230623_143023.jpg': 'first', 'oil_spill_frames/oil_spill_20230623_143023_2.jpg': 'second'
    }, [PATH])
    t.equal(moved, 2)
    t.strictSame(after, {
      [PATH]: 'claimed', 'unclaimed_frames/oil_spill_20230623_143023.jpg': 'first', 'unclaimed_frames/oil_spill_20230623_143023_2.jpg': 'second'
    })
  })

  t.test('writes over nothing that was set aside before', async t => {
    const { after } = await swept(t, {
      [PATH]: 'third',
      'unclaimed_frames/oil_spill_20230623_143022.jpg': 'first',
      'unclaimed_frames/oil_spill_20230623_143022-2.jpg': 'second'
    })
    t.strictSame(after, {
      'unclaimed_frames/oil_spill_20230623_143022.jpg': 'first',
      'unclaimed_frames/oil_spill_20230623_143022-2.jpg': 'second',
      'unclaimed_frames/oil_spill_20230623_143022-3.jpg': 'third'
    })
  })

  t.test('leaves alone what is not its own', async t => {
    const foreign = {
      'oil_spill_frames/notes.txt': 'x',
      'oil_spill_frames/holiday.jpg': 'x',
      'oil_spill_frames/oil_spill_20230623_143022.png': 'x',
      'oil_spill_frames/oil_spill_today.jpg': 'x',
      'oil_spill_frames/copy of oil_spill_20230623_143022.jpg': 'x',
      'oil_spill_frames/download.zip.part': 'x',
      'oil_spill_frames/.gitkeep': '',
      'oil_spill_frames/2023/oil_spill_20230623_143022.jpg': 'x',
      camera_password: 'x'
    }
    const { moved, asked, after } = await swept(t, foreign)
    t.equal(moved, 0)
    t.strictSame(asked.flat(), [])
    t.strictSame(after, foreign)
  })

  t.test('asks for many files in batches', async t => {
    const many = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`oil_spill_frames/oil_spill_20230623_143022_${i + 2}.jpg`, 'x']))
    const claimed = Object.keys(many).slice(0, 1000)
    const { moved, asked, after } = await swept(t, many, claimed)
    t.equal(moved, 100)
    t.strictSame(asked.map(paths => paths.length), [500, 500, 100])
    t.equal(Object.keys(after).length, 1100, 'nothing is lost')
  })

  t.test('fails where the history or the disk does, and has deleted nothing', async t => {
    const steps: string[] = []
    const error = systemError('EIO')
    const failing = { step: '', error }
    const { folder, store } = await setUp(t, watchedFiles(steps, failing))
    await store.save(spill(OTHER_PICTURE))
    await t.rejects(store.sweep(async () => { throw error }), error)
    for (const step of ['access oil_spill_20230623_143022.jpg', 'rename oil_spill_20230623_143022.jpg']) {
      failing.step = step
      await t.rejects(store.sweep(async paths => paths), error)
      t.ok(existsSync(join(folder, PATH)))
    }
  })
})
