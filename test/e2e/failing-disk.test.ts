import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, realpathSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { BadDisk, badDiskProblem, type DiskCall } from '../../bench/bad-disk.js'
import { errorCode } from '../../src/store/storage-errors.js'
import { temporaryFolder, upload } from '../helper.js'
import { randomFrom, type Random } from '../random.js'
import { smallDisk } from '../store/support.js'
import { DataCheck } from './crash/data-check.js'
import { CrashLane } from './crash/lane.js'
import { KillableServer } from './killable-server.js'

/** How often the server is killed, each time after some failures of the disk; more by `VIDEOSTREAM_DISK_ROUNDS`. */
const ROUNDS = Number(process.env['VIDEOSTREAM_DISK_ROUNDS'] ?? 12)

const SEED = Number(process.env['VIDEOSTREAM_CRASH_SEED'] ?? Date.now() % 1_000_000)

/** Failures of the disk in a round. */
const TROUBLES = 4

/** How many frames are sent while the disk fails, and then until it must have recovered. */
const FRAMES = 40

/** A disk that can be made to fail, and to be sound again. */
interface Disk { begin (): void, end (): void }

t.comment(`VIDEOSTREAM_CRASH_SEED=${SEED} VIDEOSTREAM_DISK_ROUNDS=${ROUNDS}`)
t.setTimeout(120_000 + ROUNDS * 60_000)

/** Counts the pictures that come to a viewer of the default camera. */
class CountingViewer {
  pictures = 0
  ended = false
  constructor (port: number) {
    const socket = connect(port, '127.0.0.1', () => { socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n') })
    socket.on('data', chunk => { this.pictures += chunk.toString('latin1').split('--frame\r\n').length - 1 })
    socket.on('close', () => { this.ended = true })
    socket.on('error', () => {})
  }
}

/** Waits for what must come about however slow the machine is. */
async function comesAbout (what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 30_000
  while (!await condition()) {
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come about`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** The disk fails while frames come; people go on watching; it recovers, and so does the server. */
async function trouble (lane: CrashLane, disk: Disk, viewer: CountingViewer, thenKilled: boolean): Promise<void> {
  disk.begin()
  await lane.sentMore(FRAMES)
  const { pictures } = viewer
  await comesAbout('a picture while the disk fails', () => viewer.pictures > pictures)
  if (thenKilled) return
  disk.end()
  const before = lane.cameras.map(({ acknowledged }) => acknowledged)
  await comesAbout('an acknowledgement to each camera', () => lane.cameras.every(({ acknowledged }, index) => acknowledged > (before[index] ?? 0)))
  await comesAbout('a status that says that storing works', async () => {
    const { storage } = await (await fetch(`http://127.0.0.1:${lane.port}/api/status`)).json() as { storage: { ok: boolean } }
    return storage.ok
  })
  if (viewer.ended) throw new Error('the viewer was let go')
}

/** Rounds of troubles, each ended by the death of the server; half of them amid a trouble. */
async function survives (t: Test, lane: CrashLane, disk: Disk): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    lane.send()
    const viewer = new CountingViewer(lane.port)
    await lane.sentMore(FRAMES)
    for (let nth = 1; nth <= TROUBLES; nth += 1) await trouble(lane, disk, viewer, nth === TROUBLES && round % 2 === 0)
    await lane.kill()
    disk.end()
    const faults = await lane.restart()
    if (faults.length === 0) continue
    t.strictSame(faults, [], `round ${round} of seed ${SEED}`)
    return
  }
  const { faults, check } = await lane.checkAll()
  t.strictSame(faults, [], 'everything once more')
  const refused = lane.cameras.reduce((sum, camera) => sum + camera.refused, 0)
  const answers = new Set(lane.cameras.flatMap(({ journal }) => journal.map(({ status }) => status ?? 200)))
  t.comment(`${lane.sent} frames sent, ${refused} of them refused, ${check.detections} detections, ${check.unclaimed} frames set aside`)
  t.strictSame([...answers].filter(each => ![200, 503, 507].includes(each)), [], 'no other answers')
  t.ok(refused > 0, 'some frames could not be stored')
}

/** Fills the disk of a file to the last block but so many, while others write to it. */
function fill (ballast: string, freeBlocks: number): void {
  const { bsize } = statfsSync(dirname(ballast))
  const file = openSync(ballast, 'w')
  try {
    for (const block = Buffer.alloc(bsize); ;) writeSync(file, block)
  } catch (error) {
    if (errorCode(error) !== 'ENOSPC') throw error
    ftruncateSync(file, Math.max(0, fstatSync(file).size - freeBlocks * bsize))
  } finally {
    closeSync(file)
  }
}

function sometimes<T> (random: Random, all: readonly T[]): T[] {
  const chosen = all.filter(() => random(2) === 0)
  return chosen.length > 0 ? chosen : [...all]
}

t.test('nothing acknowledged is lost where writing, flushing, renaming and opening fail at random', { skip: badDiskProblem() ?? false }, async t => {
  t.setTimeout(0)
  const folder = realpathSync(temporaryFolder(t))
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  const bad = new BadDisk(dataDir, join(folder, 'control'))
  t.teardown(() => { bad.close() })
  const lane = await CrashLane.start(t, SEED, { dataDir, gapSeconds: 0, environment: bad.environment })
  const random = randomFrom(SEED + 50)
  const calls: readonly DiskCall[] = ['write', 'flush', 'rename', 'open']
  await survives(t, lane, {
    begin: () => {
      bad.set({ failing: { calls: sometimes(random, calls), error: random(2) === 0 ? 'EIO' : 'ENOSPC', perMille: [50, 300, 1000][random(3)] ?? 1000 } })
    },
    end: () => { bad.set() }
  })
  t.comment(`${bad.failed} calls failed`)
  t.ok(bad.failed > ROUNDS)
})

t.test('an event that SQLite could not flush is whole where a crash brings it back', { skip: badDiskProblem() ?? false }, async t => {
  const folder = realpathSync(temporaryFolder(t))
  const dataDir = join(folder, 'data')
  const bad = new BadDisk(join(dataDir, 'videostream.db'), join(folder, 'control'))
  t.teardown(() => { bad.close() })
  const server = await KillableServer.start(t, dataDir, bad.environment)
  const spill = async (): Promise<number> => (await upload(`http://127.0.0.1:${server.port}`, { spill: true })).status
  bad.set({ failing: { calls: ['flush'], error: 'EIO', perMille: 1000 } })
  t.equal(await spill(), 503)
  t.equal(await spill(), 503)
  await server.kill()
  bad.set()
  await server.restart()
  t.strictSame(new DataCheck(dataDir).faults([]), [])
  const events = await (await fetch(`http://127.0.0.1:${server.port}/api/oil_spill_events`)).json() as Array<{ frame_url: string }>
  t.equal(events.length, 1, 'the log had it')
  t.equal((await fetch(`http://127.0.0.1:${server.port}${events[0]?.frame_url}`)).status, 200)
})

t.test('nothing acknowledged is lost where the disk fills up', async t => {
  const small = smallDisk(t, 32 * 1024)
  if ('problem' in small) return t.pass('not run', { skip: small.problem })
  t.setTimeout(0)
  const lane = await CrashLane.start(t, SEED, { dataDir: join(small.path, 'data'), gapSeconds: 0, environment: { MIN_FREE_BYTES: '0' } })
  const random = randomFrom(SEED + 60)
  const ballast = join(small.path, 'ballast')
  await survives(t, lane, {
    begin: () => { fill(ballast, random(6)) },
    end: () => { rmSync(ballast, { force: true }) }
  })
})
