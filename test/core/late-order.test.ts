import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { CameraRepository } from '../../src/store/camera-repository.js'
import { EventArchive } from '../../src/store/event-archive.js'
import { EventRepository } from '../../src/store/event-repository.js'
import type { EvidenceStore } from '../../src/store/evidence-store.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { FakeClock, frame, jpeg, newSettings, temporaryFolder } from '../helper.js'
import { randomFrom, type Random } from '../random.js'
import { answerOf, makeCamera } from './support.js'
import { clipsOf } from '../store/support.js'

const PICTURE = jpeg()
/** Timelines of each kind. */
const SEEDS = 150

const START_MS = new FakeClock().nowMs()

/** A frame of a timeline, and when it arrives. Milliseconds from the start of the timeline. */
interface Shot { readonly takenMs: number, readonly spill: boolean, readonly arrivesMs: number }

/** An event in short. */
interface Run { readonly startedMs: number, readonly lastMs: number, readonly detections: number }

/** A real history, whose frames are kept nowhere. */
async function openHistory (t: Test) {
  const folder = temporaryFolder(t)
  const path = join(folder, 'history.db')
  const thread = await SqlThread.open(path)
  t.teardown(async () => { await thread.close() })
  let files = 0
  const evidence = {
    save: async () => {
      files += 1
      return { framePath: `oil_spill_frames/${files}.jpg`, sha256: 'f'.repeat(64), sizeBytes: PICTURE.length, width: 16, height: 8 }
    },
    discard: async () => {}
  } as unknown as EvidenceStore
  const archive = new EventArchive(await EventRepository.open(thread), evidence, { isShort: false, within: async (_bytes, write) => await write() }, clipsOf(thread, folder, { maxBytes: 0 }), error => { throw error })
  const reader = new Database(path, { readonly: true })
  t.teardown(() => { reader.close() })
  const select = reader.prepare<[number, number, string], Run>(`
    SELECT started_at_ms - ? AS startedMs, last_detected_at_ms - ? AS lastMs, (SELECT count(*) FROM detections WHERE event_id = oil_spill_events.id) AS detections
      FROM oil_spill_events WHERE camera_id = ? AND merged_into IS NULL ORDER BY started_at_ms`)
  return { archive, cameras: new CameraRepository(thread), runsOf: (cameraId: string) => select.all(START_MS, START_MS, cameraId) }
}

type History = Awaited<ReturnType<typeof openHistory>>

/** Sends a timeline to a camera of its own as its frames arrive, looked at each second. Returns what became of it. */
async function runsOf ({ archive, cameras, runsOf }: History, cameraId: string, shots: readonly Shot[], gapMs: number): Promise<Run[]> {
  await cameras.insert(newSettings(cameraId), 0)
  const clock = new FakeClock()
  const { camera } = makeCamera(clock, archive, { settings: newSettings(cameraId), gapMs })
  const answers: Array<Promise<void>> = []
  for (const { takenMs, spill, arrivesMs } of shots.toSorted((a, b) => a.arrivesMs - b.arrivesMs)) {
    while (clock.nowMs() + 1000 <= START_MS + arrivesMs) {
      clock.advance(1000)
      await camera.recorder.checkSilence()
    }
    clock.advance(START_MS + arrivesMs - clock.nowMs())
    answers.push(answerOf(camera.take(frame(clock, { spill, jpeg: PICTURE, capturedAtMs: START_MS + takenMs, sequence: takenMs }))))
    // Not every camera waits for its answer before it sends the next frame.
    if (takenMs % 3 === 0) await Promise.all(answers)
  }
  await Promise.all(answers)
  await camera.close()
  return runsOf(cameraId)
}

/** A timeline that comes in time. Its runs end at a clean frame, or, with a gap, where it passes without a detection. */
function timeline (random: Random, gapMs: number): Shot[] {
  const shots: Shot[] = []
  const spillPercent = 20 + random(70)
  let takenMs = 0
  for (let i = 0; i < 30; i += 1) {
    takenMs += 100 + random(gapMs === 0 ? 3000 : gapMs * 3 / 2)
    shots.push({ takenMs, spill: random(100) < spillPercent, arrivesMs: takenMs })
  }
  return shots
}

/** Some detections of the timeline are kept back, and arrive at any time after it. */
function delayed (random: Random, shots: readonly Shot[], maxDelayMs: number): Shot[] {
  const latePercent = 10 + random(80)
  return shots.map(shot => shot.spill && random(100) < latePercent ? { ...shot, arrivesMs: shot.takenMs + 1 + random(maxDelayMs) } : shot)
}

for (const gapMs of [0, 2000]) {
  for (const [what, maxDelayMs] of [['seconds', 5000], ['minutes', 200_000]] as const) {
    t.test(`a history whose detections come late by ${what} is the one of those that come in time, with a gap of ${gapMs} ms`, async t => {
      const history = await openHistory(t)
      const outcomes = await Promise.all(Array.from({ length: SEEDS }, async (_, seed) => {
        const random = randomFrom(seed + 1)
        const shots = timeline(random, gapMs)
        const late = delayed(random, shots, maxDelayMs)
        const expected = await runsOf(history, `in-time-${seed}`, shots, gapMs)
        const actual = await runsOf(history, `late-${seed}`, late, gapMs)
        return { seed, late, expected, actual }
      }))
      const wrong = outcomes.filter(({ expected, actual }) => JSON.stringify(actual) !== JSON.stringify(expected))
      t.equal(wrong.length, 0, `${wrong.length} of ${outcomes.length}`)
      const [first] = wrong
      if (first !== undefined) t.strictSame(first.actual, first.expected, `seed ${first.seed}: ${JSON.stringify(first.late)}`)
    })
  }
}
