import type { CameraFrame } from './frame.js'

/** Where the camera tells what it does, a line at a time. */
export type Log = (line: string) => void

const sameLineEveryMs = 30_000

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

  /** @param nowMs a clock that never runs backwards, in milliseconds */
  constructor (log: Log, nowMs: () => number = () => performance.now()) {
    this.#log = log
    this.#nowMs = nowMs
    this.#sinceMs = nowMs()
  }

  /** A frame came from the source. */
  seen ({ spillDetected }: CameraFrame): void {
    if (spillDetected !== this.#spillSeen) {
      this.#log(spillDetected ? 'oil slick in the picture: frames are sent as a detection' : 'the oil slick is gone')
    }
    this.#spillSeen = spillDetected
  }

  /** The server took a frame. */
  taken ({ jpeg }: CameraFrame, answerMs: number): void {
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

  /** Tells how it went since the last summary. `skippedCount` is the number of frames skipped since the start. */
  summary (skippedCount: number): void {
    const seconds = (this.#nowMs() - this.#sinceMs) / 1000
    const { count, bytes, slowestMs } = this.#taken
    const cpu = process.cpuUsage(this.#sinceCpu)
    const cpuPercent = (cpu.user + cpu.system) / 1e4 / seconds
    this.#log(`last ${seconds.toFixed(0)} s: ${count} frames taken (${(count / seconds).toFixed(1)} a second, ` +
      `${Math.round(bytes / Math.max(1, count) / 1000)} KB each, slowest ${slowestMs.toFixed(0)} ms), ` +
      `${skippedCount - this.#skippedBefore} skipped, ${this.#failedCount} failed, ${cpuPercent.toFixed(0)} % of a core`)
    this.#sinceMs = this.#nowMs()
    this.#sinceCpu = process.cpuUsage()
    this.#taken = { count: 0, bytes: 0, slowestMs: 0 }
    this.#failedCount = 0
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
