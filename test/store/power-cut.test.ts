import { join } from 'node:path'
import t, { type Test } from 'tap'
import { sha256 } from '../../src/core/sha256.js'
import { ClipFiles } from '../../src/store/clip-files.js'
import { EvidenceStore } from '../../src/store/evidence-store.js'
import { FakeClock, frame, jpeg, temporaryFolder } from '../helper.js'
import { randomFrom } from '../random.js'
import { CuttableDisk, type Lie } from './cuttable-disk.js'

const SEED = Number(process.env['VIDEOSTREAM_CRASH_SEED'] ?? Date.now() % 1_000_000)
const EVENTS = 30
const CUTS = 500

t.comment(`VIDEOSTREAM_CRASH_SEED=${SEED}`)

/** What was told to be on disk, and after how many steps of it. */
interface Told { readonly path: string, readonly sizeBytes: number, readonly sha256: string, readonly afterSteps: number }

/** Stores frames and clips of several cameras at once, as the archive does; some frames are discarded again. */
async function store (t: Test, lie: Lie) {
  const folder = temporaryFolder(t)
  const random = randomFrom(SEED)
  const disk = new CuttableDisk(lie)
  const evidence = await EvidenceStore.open(folder, disk.files)
  const clips = new ClipFiles(folder, disk.files)
  const told: Told[] = []
  const discarded: Array<{ path: string, afterSteps: number }> = []
  const pictures = new Set<string>()
  const clock = new FakeClock()
  await Promise.all(Array.from({ length: 3 }, async (_, camera) => {
    for (let nth = 0; nth < EVENTS; nth += 1) {
      clock.advance(random(700))
      const bytes = (more: number): Buffer => Buffer.concat([jpeg(), Buffer.from(`${camera} ${nth} ${more}`)])
      const picture = bytes(0)
      pictures.add(await sha256(picture))
      const clipped = [bytes(1), bytes(2)]
      let path = ''
      const saved = await evidence.save(frame(clock, { jpeg: picture }), undefined, {
        write: async framePath => {
          path = framePath.replace('.jpg', '.mjpeg')
          await clips.begin(path, clipped)
        },
        undo: async () => {}
      })
      const tell = async (name: string, all: Buffer): Promise<void> => {
        const afterSteps = disk.steps
        told.push({ path: join(folder, name), sizeBytes: all.length, sha256: await sha256(all), afterSteps })
      }
      await tell(saved.framePath, picture)
      await tell(path, Buffer.concat(clipped))
      if (random(4) === 0) {
        discarded.push({ path: join(folder, saved.framePath), afterSteps: disk.steps })
        await evidence.discard(saved)
      }
      for (let more = 3; more < 3 + random(4); more += 1) {
        await clips.append(path, Buffer.concat(clipped).length, [bytes(more)])
        clipped.push(bytes(more))
        await tell(path, Buffer.concat(clipped))
      }
    }
  }))
  return { disk, told, discarded, pictures }
}

/** Cuts the power at random steps, and says what of it is not as it was told to be. */
async function faultsOf ({ disk, told, discarded, pictures }: Awaited<ReturnType<typeof store>>): Promise<string[]> {
  const random = randomFrom(SEED + 1)
  const faults: string[] = []
  for (let cut = 0; cut < CUTS; cut += 1) {
    const steps = random(disk.steps + 1)
    const left = disk.cut(steps, random)
    const gone = new Set(discarded.filter(({ afterSteps }) => afterSteps <= steps).map(({ path }) => path))
    for (const { path, sizeBytes, sha256: expected, afterSteps } of told) {
      if (afterSteps > steps || gone.has(path)) continue
      if (await sha256((left.get(path) ?? Buffer.alloc(0)).subarray(0, sizeBytes)) !== expected) faults.push(`${path} after ${steps} steps`)
    }
    for (const [path, bytes] of left) {
      if (path.endsWith('.jpg') && !pictures.has(await sha256(bytes))) faults.push(`${path} is not whole after ${steps} steps`)
    }
  }
  return faults
}

t.test('whenever the power is cut, what was told to be on disk is whole, and so is every frame under its own name', async t => {
  const stored = await store(t, 'none')
  t.ok(stored.told.length > 2 * EVENTS)
  t.strictSame(await faultsOf(stored), [])
})

for (const lie of ['flush', 'folder flush'] as const) {
  t.test(`without a ${lie} that would be seen`, async t => {
    t.ok((await faultsOf(await store(t, lie))).length > 0)
  })
}
