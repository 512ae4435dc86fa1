import { Audience } from '../../src/core/audience.js'
import { ByteBudget } from '../../src/core/byte-budget.js'
import { FrameRing } from '../../src/core/frame-ring.js'
import type { CameraSettings } from '../../src/core/camera.js'
import type { Clock } from '../../src/core/clock.js'
import { Connectivity, type Connection } from '../../src/core/connectivity.js'
import { EventRecorder, type DetectedFrame, type EventChange, type EventStore } from '../../src/core/event-recorder.js'
import type { OilSpillEvent } from '../../src/core/event.js'
import { FrameBuffer } from '../../src/core/frame-buffer.js'
import { takenAtMs } from '../../src/core/frame.js'
import type { LatePlace } from '../../src/core/late-detection.js'
import { LiveCamera } from '../../src/core/live-camera.js'
import { LiveStream } from '../../src/core/live-stream.js'
import { newSettings } from '../helper.js'

/** How long test cameras may be silent. */
export const SILENCE_MS = 10_000

/** A history that forgets everything but what it was asked, and where it fails if it is told so. */
export class ForgetfulStore implements EventStore {
  readonly changes: EventChange[] = []
  readonly notes: DetectedFrame[] = []
  readonly late: Array<{ place: LatePlace, detected: DetectedFrame }> = []
  failure: Error | undefined
  /** What everything waits for. */
  gate: Promise<void> = Promise.resolve()

  async change (change: EventChange): Promise<OilSpillEvent | undefined> {
    await this.#answer()
    this.changes.push(change)
    const { opens } = change
    if (opens === undefined) return undefined
    const { cameraId, frame: { width, height } } = opens
    const startedAtMs = takenAtMs(opens.frame)
    const evidence = { framePath: '', sha256: '', sizeBytes: 0, width, height }
    return { id: this.changes.length, cameraId, startedAtMs, lastDetectedAtMs: startedAtMs, endedAtMs: null, evidence, evidenceState: 'kept', mergedInto: null }
  }

  async noteDetection (_eventId: number, detected: DetectedFrame): Promise<void> {
    await this.#answer()
    this.notes.push(detected)
  }

  async keepEvidence (): Promise<boolean> { return true }

  keepFrame (): void {}

  async neighbours (): ReturnType<EventStore['neighbours']> {
    await this.#answer()
    return { before: undefined, after: undefined }
  }

  async keepLate (place: LatePlace, detected: DetectedFrame): Promise<boolean> {
    await this.#answer()
    this.late.push({ place, detected })
    return true
  }

  async reopen (): Promise<boolean> { return true }

  async #answer (): Promise<void> {
    await this.gate
    if (this.failure !== undefined) throw this.failure
  }
}

export const KEY_REUSED = new Error('the key came with another frame before')
export const SWITCHED_OFF = new Error('the camera is switched off')

/** What a test says of a camera. */
export interface CameraOptions {
  readonly settings?: CameraSettings
  readonly gapMs?: number
  readonly newestTakenAtMs?: number
  readonly connection?: Connection
  readonly audience?: Audience
  readonly resumed?: OilSpillEvent
}

/** A camera as the server makes it, over any history. What goes wrong with its picture goes to `relayErrors`. */
export function makeCamera (clock: Clock, store: EventStore, options: CameraOptions = {}): { camera: LiveCamera, relayErrors: unknown[] } {
  const settings = options.settings ?? newSettings('rig-4')
  const { newestTakenAtMs, resumed, gapMs = 0, connection = 'never_seen', audience = new Audience(500) } = options
  const frames = new FrameBuffer()
  const relayErrors: unknown[] = []
  const camera = new LiveCamera({
    settings,
    frames,
    liveStream: new LiveStream({ clock, defer: setImmediate, frames, stopped: false, audience, maxFps: undefined }),
    recorder: new EventRecorder({
      cameraId: settings.cameraId,
      store,
      clock,
      reach: { gapMs, silenceMs: SILENCE_MS },
      ring: new FrameRing({ windowMs: 5000, maxFps: 2, maxBytes: 1e6, shared: new ByteBudget(1e6) }),
      clip: { maxFps: 2, postMs: 5000 },
      resumed,
      waiting: new ByteBudget(64 * 1024 * 1024),
      overloaded: () => new Error('overloaded'),
      noRoom: () => new Error('no room')
    }),
    connectivity: new Connectivity(SILENCE_MS, { connection, lastFrameAtMs: newestTakenAtMs }, { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }),
    newestTakenAtMs,
    onRelayError: error => { relayErrors.push(error) },
    keyReused: () => KEY_REUSED,
    switchedOff: () => SWITCHED_OFF
  })
  return { camera, relayErrors }
}

/** What a camera waits for. */
export async function answerOf (taken: Promise<void> | undefined): Promise<void> { await taken }
