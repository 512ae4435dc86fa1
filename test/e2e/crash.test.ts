import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../helper.js'
import { CrashLane } from './crash/lane.js'

/** How often the server is killed; more by `VIDEOSTREAM_CRASH_ROUNDS`. */
const ROUNDS = Number(process.env['VIDEOSTREAM_CRASH_ROUNDS'] ?? 200)

/** What is random follows from this, but for how fast the machine is. */
const SEED = Number(process.env['VIDEOSTREAM_CRASH_SEED'] ?? Date.now() % 1_000_000)

/** How long a round may take on a slow machine. */
const ROUND_MS = 10_000

t.comment(`VIDEOSTREAM_CRASH_SEED=${SEED} VIDEOSTREAM_CRASH_ROUNDS=${ROUNDS}`)
t.setTimeout(120_000 + ROUNDS * ROUND_MS)

t.test('whenever the server is killed, all that it acknowledged is there after the next start', async t => {
  t.setTimeout(0)
  const folder = temporaryFolder(t)
  const lanes = [
    await CrashLane.start(t, SEED, { dataDir: join(folder, 'gapless'), gapSeconds: 0 }),
    await CrashLane.start(t, SEED + 100, { dataDir: join(folder, 'gap'), gapSeconds: 0.2 })
  ]
  await Promise.all(lanes.map(async (lane, index) => {
    for (let round = index; round < ROUNDS; round += lanes.length) {
      const faults = await lane.round()
      if (faults.length === 0) continue
      t.strictSame(faults, [], `round ${round} of seed ${SEED}`)
      return
    }
  }))
  for (const lane of lanes) {
    const { faults, check } = await lane.checkAll()
    t.strictSame(faults, [], 'everything once more')
    t.comment(`${lane.sent} frames sent, ${check.detections} detections, ${lane.killedStarts} starts killed, ${check.unclaimed} frames set aside`)
    t.ok(check.detections > ROUNDS, 'there was something to lose')
    const statuses = new Set(lane.cameras.flatMap(({ journal }) => journal.map(({ status }) => status)))
    t.strictSame([...statuses].filter(each => each !== undefined), [200], 'no frame was refused')
  }
})
