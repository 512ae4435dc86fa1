import type { Shot } from './frame.js'

/** Where the camera tells what it does, a line at a time. */
export type Log = (line: string) => void

const sameLineEveryMs = 30_000

/** A few frames always wait for a moment. */
const fewWaiting = 10

/** Watches the frames and uploads go by and tells of what changes, without saying the same over and over. */
export class Report {
  readonly #log: Log
  readonly #nowMs: () => number
  #server: 'new' | 'lost' | 'connected' = 'new'
  #lostAtMs = 0
  #lostWasTold = false
  #spillSeen = false
  readonly #toldAtMs = new Map<string, number>()
  #sinceMs: number
  #sinceCpu = process.cpuUsage()
  #taken = { count: 0, bytes: 0, slowestMs: 0 }
  #failedCount = 0
  #skippedBefore = 0
  #detectorFailedCount = 0
  #detectorFails = false
  #mostWaiting = 0

  /** @param nowMs a clock that never runs backwards, in milliseconds */
  constructor (log: Log, nowMs: () => number = () => performance.now()) {
    this.#log = log
    this.#nowMs = nowMs
    this.#sinceMs = nowMs()
  }

  /** A frame came from the source, or from the detector. */
  seen (spillDetected: boolean | undefined): void {
    if (spillDetected === undefined) return
    if (spillDetected !== this.#spillSeen) {
      this.#log(spillDetected ? 'oil slick in the picture: frames are sent as a detection' : 'the oil slick is gone')
    }
    this.#spillSeen = spillDetected
  }

  /** The server took a frame. */
  taken ({ jpeg }: Pick<Shot, 'jpeg'>, answerMs: number): void {
    this.#taken.count++
    this.#taken.bytes += jpeg.length
    this.#taken.slowestMs = Math.max(this.#taken.slowestMs, answerMs)
    if (this.#server === 'new') this.#log('connected: the server takes frames')
    if (this.#server === 'lost' && this.#lostWasTold) {
      this.#log(`the server takes frames again, after ${((this.#nowMs() - this.#lostAtMs) / 1000).toFixed(1)} s`)
    }
    this.#server = 'connected'
  }

  /** An upload failed for now. */
  failed (reason: string): void {
    this.#failedCount++
    if (this.#server === 'lost') return
    this.#server = 'lost'
    this.#lostAtMs = this.#nowMs()
    this.#lostWasTold = this.#tell(`the server does not take frames (${reason}): trying again`)
  }

  /** The server refused a frame for good. */
  refused (reason: string): void {
    this.#failedCount++
    this.#tell(`a frame was refused and left out (${reason})`)
  }

  /** The server's clock is behind, or the camera's is ahead. */
  early (reason: string): void {
    this.#failedCount++
    this.#tell(`the camera's clock is ahead of the server's: set both by NTP. Frames with a spill wait until then (${reason})`)
  }

  /** So many frames with a spill wait now that the server took one of them. */
  waiting (count: number): void {
    if (count === 0 && this.#mostWaiting >= fewWaiting) this.#log('all frames with a spill that had to wait are with the server')
    this.#mostWaiting = count === 0 ? 0 : Math.max(this.#mostWaiting, count)
  }

  /** The detector said nothing of use. */
  detectorFailed (reason: string): void {
    this.#detectorFailedCount++
    if (!this.#detectorFails) this.#tell(`THE DETECTOR FAILS (${reason}): until it works, frames are sent without saying whether they show a spill`)
    this.#detectorFails = true
  }

  /** The detector did its work, but for what it says here. */
  detectorWorked (complaints: readonly string[]): void {
    if (this.#detectorFails) this.#tell('the detector works again')
    this.#detectorFails = false
    const [first] = complaints
    if (first !== undefined) this.#tell(`what the detector says was left out in part: ${first}`)
  }

  /**
   * Tells how it went since the last summary.
   * @param skippedCount the number of frames skipped since the start
   * @param others what else there is to tell, such as `3 wait`
   */
  summary (skippedCount: number, others: readonly string[] = []): void {
    const seconds = (this.#nowMs() - this.#sinceMs) / 1000
    const { count, bytes, slowestMs } = this.#taken
    const cpu = process.cpuUsage(this.#sinceCpu)
    const cpuPercent = (cpu.user + cpu.system) / 1e4 / seconds
    this.#log(`last ${seconds.toFixed(0)} s: ${count} frames taken (${(count / seconds).toFixed(1)} a second, ` +
      `${Math.round(bytes / Math.max(1, count) / 1000)} KB each, slowest ${slowestMs.toFixed(0)} ms), ` +
      [`${skippedCount - this.#skippedBefore} skipped`, `${this.#failedCount} failed`,
        ...this.#detectorFailedCount === 0 ? [] : [`the detector failed ${this.#detectorFailedCount} times`],
        ...others, `${cpuPercent.toFixed(0)} % of a core`].join(', '))
    this.#sinceMs = this.#nowMs()
    this.#sinceCpu = process.cpuUsage()
    this.#taken = { count: 0, bytes: 0, slowestMs: 0 }
    this.#failedCount = 0
    this.#detectorFailedCount = 0
    this.#skippedBefore = skippedCount
  }

  /** Logs a line unless it was logged a moment ago. Returns whether it was. */
  #tell (line: string): boolean {
    const nowMs = this.#nowMs()
    if (nowMs - (this.#toldAtMs.get(line) ?? -Infinity) < sameLineEveryMs) return false
    this.#toldAtMs.clear() // only the last line counts: no growing memory
    this.#toldAtMs.set(line, nowMs)
    this.#log(line)
    return true
  }
}
