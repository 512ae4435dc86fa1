import { createHash } from 'node:crypto'
import { jpeg } from '../../helper.js'
import { send } from '../../http.js'
import type { Random } from '../../random.js'
import type { KnownState, SentFrame } from './journal.js'

/** What sets one camera apart from others. */
export interface CameraHabits {
  readonly cameraId: string
  readonly key: string
  /** Whether it says when it took its frames, and sends some late. */
  readonly stamps: boolean
  /** Whether an event ends at the first frame without a spill: then what was acknowledged tells whether one is open. */
  readonly gapless: boolean
}

/** How old late frames are at most. */
const MAX_LATE_MS = 20_000

/** How long it pauses between two frames at most. */
const MAX_PAUSE_MS = 10

/**
 * A camera that sends frames one after the other and writes down which were acknowledged. Runs of detections begin and
 * end at random; some frames have a name, some come late, some twice. No two frames are the same bytes.
 */
export class UploadingCamera {
  readonly #habits: CameraHabits
  readonly #random: Random
  /** Every frame that was sent, oldest first. */
  readonly journal: SentFrame[] = []
  /** How often a frame was sent. */
  sent = 0
  /** How often one was acknowledged. */
  acknowledged = 0
  /** How often one was refused, to be sent again. */
  refused = 0
  /** Whether an event is open, by what was acknowledged. */
  state: KnownState = 'unknown'
  #spill = false
  #isFresh = true
  /** When the newest frame was taken, at the latest. */
  #newestMs = 0
  #stopped = true
  /** The frame whose answer did not come. */
  #unanswered: SentFrame | undefined

  constructor (habits: CameraHabits, random: Random) {
    this.#habits = habits
    this.#random = random
  }

  get cameraId (): string {
    return this.#habits.cameraId
  }

  /** Whether what was acknowledged tells if an event is open. */
  get isGapless (): boolean {
    return this.#habits.gapless
  }

  /** Sends until it is stopped or the server is gone. Never rejects. */
  async run (url: string): Promise<void> {
    this.#stopped = false
    this.#isFresh = true
    while (!this.#stopped) {
      try {
        await this.#send(url, this.#next())
      } catch {
        return
      }
      await new Promise(resolve => setTimeout(resolve, this.#random(MAX_PAUSE_MS)))
    }
  }

  /** Ends it after the frame that is on its way. */
  stop (): void {
    this.#stopped = true
  }

  /** Mostly a new frame; sometimes the one again whose answer did not come, or an old one. */
  #next (): SentFrame {
    const unanswered = this.#unanswered
    // The first frame after a start is the newest, so that it is known which ones are late.
    if (unanswered?.named === true && !(this.#isFresh && unanswered.late)) {
      this.#unanswered = undefined
      if (this.#random(4) > 0) return unanswered
    }
    if (this.#isFresh) return this.#onTime()
    if (this.#random(20) === 0) return this.#old() ?? this.#onTime()
    return this.#habits.stamps && this.#random(4) === 0 ? this.#late() : this.#onTime()
  }

  async #send (url: string, frame: SentFrame): Promise<void> {
    const before = this.state
    const isNew = frame.status === undefined && !frame.repeated
    const wasKept = frame.status === 200
    if (isNew) this.journal.push(frame)
    if (!frame.late) {
      this.state = 'unknown'
      frame.opens ||= this.#habits.gapless && isNew && frame.spill && before === 'closed'
    }
    await this.#post(url, frame)
    if (frame.late || frame.status !== 200) return
    if (isNew) this.#isFresh = false
    if (!this.#habits.gapless) return
    // One that is in the history already changes nothing.
    if (wasKept) this.state = before
    // Whether one that came again was still the newest hangs on when it was taken.
    else if (isNew || frame.headers['X-Capture-Timestamp'] === undefined) this.state = frame.spill ? 'open' : 'closed'
  }

  async #post (url: string, frame: SentFrame): Promise<void> {
    this.#unanswered = frame
    this.sent += 1
    const headers = { 'X-Camera-Auth': this.#habits.key, ...frame.headers }
    try {
      const { status } = await send(url, { method: 'POST', path: `/api/cameras/${this.cameraId}/frames`, headers, body: frame.jpeg })
      // Once it was acknowledged it stays so.
      if (frame.status !== 200) frame.status = status
      if (status === 200) this.acknowledged += 1
      if (status >= 500) this.refused += 1
      else this.#unanswered = undefined
    } finally {
      if (frame.status !== 200) frame.repeated = true
    }
  }

  #onTime (): SentFrame {
    if (this.#random(3) === 0) this.#spill = !this.#spill
    this.#newestMs = Date.now()
    const headers = this.#habits.stamps && this.#random(4) > 0 ? { 'X-Capture-Timestamp': new Date(this.#newestMs).toISOString() } : {}
    return this.#frame(this.#spill, false, headers)
  }

  #late (): SentFrame {
    const headers = { 'X-Capture-Timestamp': new Date(this.#newestMs - 1 - this.#random(MAX_LATE_MS)).toISOString() }
    return this.#frame(this.#random(3) > 0, true, headers)
  }

  /** One that reported a spill and was acknowledged. */
  #old (): SentFrame | undefined {
    const old = this.journal.filter(each => each.named && each.spill && each.status === 200)
    const chosen = old[this.#random(Math.max(1, old.length))]
    if (chosen !== undefined) chosen.repeated = true
    return chosen
  }

  #frame (spill: boolean, late: boolean, more: Record<string, string>): SentFrame {
    const number = this.journal.length + 1
    const names = [
      {}, { 'Idempotency-Key': `key ${number}` }, { 'X-Frame-Sequence': String(number) }, { 'Idempotency-Key': `key ${number}`, 'X-Frame-Sequence': String(number) }
    ][this.#random(4)] ?? {}
    const bytes = commented(jpeg(), `${this.cameraId} ${number} ${this.#random(1e9)}`)
    return {
      cameraId: this.cameraId,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      jpeg: bytes,
      headers: { ...names, ...more, ...(spill && { 'X-Oil-Spill-Detected': 'true' }) },
      spill,
      named: Object.keys(names).length > 0,
      late,
      status: undefined,
      repeated: false,
      opens: false
    }
  }
}

/** A JPEG with a comment behind its start of image, so that it is like no other. Source: ITU-T T.81, B.2.4.5. */
export function commented (picture: Buffer, text: string): Buffer {
  const comment = Buffer.alloc(4 + text.length)
  comment.writeUInt16BE(0xfffe, 0)
  comment.writeUInt16BE(2 + text.length, 2)
  comment.write(text, 4, 'latin1')
  return Buffer.concat([picture.subarray(0, 2), comment, picture.subarray(2)])
}
