import { cpuSeconds, machineTicks, processTree, rssBytes, socketBytes } from './proc.js'

const SAMPLE_EVERY_MS = 100

/** What a window came to, as seen from outside of the server. */
export interface Sample {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly rssAtStartMb: number
  readonly rssPeakMb: number
  readonly rssAtEndMb: number
  /** The most that all sockets of the machine held, less what they held before the load. */
  readonly socketGrowthMb: number
  /** Of all cores. */
  readonly machineBusy: number
}

/** Watches a server's process tree in /proc from its making until `end`. */
export class Sampler {
  readonly #pids: number[]
  readonly #socketBytesBefore: number
  readonly #timer: NodeJS.Timeout
  readonly #rssAtStart: number
  readonly #cpuBefore: number
  readonly #machineBefore = machineTicks()
  readonly #startedMs = performance.now()
  #rssPeak: number
  #socketPeak: number

  constructor (pid: number, socketBytesBefore: number) {
    this.#pids = processTree(pid)
    this.#socketBytesBefore = socketBytesBefore
    this.#rssAtStart = this.#rssPeak = rssBytes(this.#pids)
    this.#socketPeak = socketBytes()
    this.#cpuBefore = cpuSeconds(this.#pids)
    this.#timer = setInterval(() => {
      this.#rssPeak = Math.max(this.#rssPeak, rssBytes(this.#pids))
      this.#socketPeak = Math.max(this.#socketPeak, socketBytes())
    }, SAMPLE_EVERY_MS)
  }

  end (): Sample {
    clearInterval(this.#timer)
    const used = cpuSeconds(this.#pids) - this.#cpuBefore
    const seconds = (performance.now() - this.#startedMs) / 1000
    const rssAtEnd = rssBytes(this.#pids)
    const machine = machineTicks()
    return {
      seconds,
      cpuSeconds: used,
      rssAtStartMb: this.#rssAtStart / 1e6,
      rssPeakMb: Math.max(this.#rssPeak, rssAtEnd) / 1e6,
      rssAtEndMb: rssAtEnd / 1e6,
      socketGrowthMb: Math.max(0, this.#socketPeak - this.#socketBytesBefore) / 1e6,
      machineBusy: (machine.busy - this.#machineBefore.busy) / Math.max(1, machine.all - this.#machineBefore.all)
    }
  }
}
