import type { Test } from 'tap'
import type { SourceState } from '../../src/core/source-report.js'
import { pullSource, type PullOptions, type PullTimes } from '../../src/sources/pull-source.js'
import type { SourcePart } from '../../src/sources/reading.js'
import { guardFor } from '../outbound/servers.js'
import { until } from '../helper.js'

/** Short ones, for tests. */
export const TIMES: PullTimes = { firstPictureMs: 20_000, silenceMs: 10_000, firstRetryMs: 20, longestRetryMs: 80, helplessRetryMs: 60_000, wellAfterMs: 1000 }

/** A source that is read until the test ends, and all that came of it. */
export class Pull {
  readonly parts: SourcePart[] = []
  readonly bad: string[] = []
  /** As `waiting: the reason`. */
  readonly states: string[] = []
  readonly done: Promise<void>
  readonly #controller = new AbortController()

  constructor (t: Test, url: string, { times, ...options }: Partial<PullOptions> = {}) {
    this.done = pullSource({
      url,
      guard: guardFor(),
      maxFrameBytes: 1024 * 1024,
      onPart: part => { this.parts.push(part) },
      onBadPart: reason => { this.bad.push(reason) },
      onState: (state: SourceState, reason?: string) => { this.states.push(reason === undefined ? state : `${state}: ${reason}`) },
      signal: this.#controller.signal,
      times: { ...TIMES, ...times },
      ...options
    })
    t.teardown(async () => { await this.stop() })
  }

  get jpegs (): Buffer[] { return this.parts.map(({ memory }) => memory.jpeg) }

  /** Stops reading, and waits until everything of it is gone. */
  async stop (): Promise<void> {
    this.#controller.abort()
    await this.done
  }

  async untilParts (count: number): Promise<void> {
    // ffmpeg takes its time on a busy machine.
    for (let tries = 1; ; tries++) {
      try {
        await until(() => this.parts.length >= count, `${count} pictures (there are ${this.parts.length}; ${this.states.slice(-3).join(', ')})`)
        return
      } catch (error) {
        if (tries === 4) throw error
      }
    }
  }

  async untilState (state: RegExp): Promise<void> {
    await until(() => this.states.some(each => state.test(each)), `the state ${String(state)} (${this.states.join(', ')})`)
  }
}
