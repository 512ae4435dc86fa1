import { CameraError } from './camera-error.js'
import { essentialHeaders } from './frame-headers.js'
import type { Shot } from './frame.js'
import type { Outbox } from './outbox.js'
import { Backoff, pause } from './pause.js'
import type { Report } from './report.js'
import type { Spool, SpoolEntry } from './spool.js'
import type { Answer, Uploader } from './upload.js'

/** What `feed` works with. */
export interface Feed {
  outbox: Pick<Outbox, 'next'>
  spool: Pick<Spool, 'entries' | 'spillCount' | 'load' | 'delete' | 'setAside'>
  uploader: Pick<Uploader, 'send'>
  report: Report
  signal: AbortSignal
  /** How to wait between tries; tests have their own. */
  wait?: typeof pause
  /** From 0 to 1: how much longer than the least a wait is. Math.random, but for tests. */
  random?: () => number
}

/** A server that refuses the key may count tries, and needs a person anyway. */
const unauthorizedWaits = { firstMs: 5000, longestMs: 60_000 }

/** How long a frame waits for the server's clock to reach its capture time. */
const earlyMs = 30_000

/** A frame that fails again and again may be the reason itself: others have their turn. */
const failuresBeforeOthers = 5
const othersFirstMs = 60_000

/** How often a frame with a spill is refused before it is given up: what stands in between may have mangled it. */
const triesBeforeRefused = 3

/**
 * Sends frame after frame from the outbox to the server, one at a time, until the signal is aborted. A frame that shows
 * a spill, or waits in the spool as the end of a run of them, is sent again until the server has it or has refused it for
 * good; any other is dropped when it fails, in favour of the newest.
 * @throws CameraError if the server has not accepted the key even once, and nothing from before waits to be sent
 */
export async function feed (settings: Feed): Promise<void> {
  const { outbox, spool, signal } = settings
  const sender = new Sender(settings)
  for (let next = await outbox.next(); next !== undefined; next = await outbox.next()) {
    if ('shot' in next) {
      await sender.sendClear(next.shot)
    } else {
      const { entry } = next
      entry.busy = true
      const shot = await spool.load(entry)
      if (shot !== undefined) await sender.sendSpooled(shot, entry)
      entry.busy = false
    }
    if (signal.aborted) return
  }
}

class Sender {
  readonly #feed: Feed
  readonly #wait: typeof pause
  readonly #backoff: Backoff
  readonly #unauthorizedBackoff: Backoff
  /** Whether frames wait from before the start, or a frame was taken: then the server is the right one. */
  #isKnown: boolean

  constructor (feed: Feed) {
    this.#feed = feed
    this.#wait = feed.wait ?? pause
    this.#backoff = new Backoff({ random: feed.random })
    this.#unauthorizedBackoff = new Backoff({ ...unauthorizedWaits, random: feed.random })
    this.#isKnown = feed.spool.entries.length > 0
  }

  async sendClear (shot: Shot): Promise<void> {
    const answer = await this.#send(shot)
    if (answer.kind === 'refused' || answer.kind === 'early') this.#feed.report.refused(answer.reason)
    if (answer.kind !== 'taken') return
    const { spool } = this.#feed
    const sameInSpool = spool.entries.find(({ sequence }) => sequence === shot.sequence)
    if (sameInSpool !== undefined) await spool.delete(sameInSpool)
  }

  async sendSpooled (shot: Shot, entry: SpoolEntry): Promise<void> {
    const { spool, report } = this.#feed
    // The last try is without what the detector found: better a spill without its boxes than none.
    const isLastTry = entry.refusedCount === triesBeforeRefused - 1
    const answer = await this.#send(isLastTry ? { ...shot, headers: essentialHeaders(shot.headers) } : shot)
    switch (answer.kind) {
      case 'taken':
        await spool.delete(entry)
        report.waiting(spool.spillCount)
        break
      case 'refused':
        if (answer.isFinal || isLastTry) await spool.setAside(entry, answer.reason)
        else entry.refusedCount++
        break
      case 'early':
        report.early(answer.reason)
        entry.notBeforeMs = performance.now() + earlyMs
        break
      case 'again':
        if (++entry.failedCount % failuresBeforeOthers === 0 && answer.isFromServer) entry.notBeforeMs = performance.now() + othersFirstMs
        break
    }
  }

  /** Sends it once, tells of it, and waits where the server needs time. */
  async #send (shot: Shot): Promise<Answer> {
    const { uploader, report, signal, spool } = this.#feed
    const sentMs = performance.now()
    const answer = await uploader.send(shot, signal)
    if (signal.aborted) return answer
    switch (answer.kind) {
      case 'taken':
        this.#isKnown = true
        this.#backoff.reset()
        this.#unauthorizedBackoff.reset()
        report.taken(shot, performance.now() - sentMs)
        break
      case 'unauthorized': {
        const waiting = spool.spillCount
        if (!this.#isKnown) {
          throw new CameraError(`the server does not accept the password (${answer.reason})` +
            (waiting === 0 ? '' : `. What was seen of a spill (${waiting}) is kept and sent at the next start`))
        }
        report.failed(`${answer.reason}; frames with a spill are kept, ${waiting} until now`)
        await this.#wait(Math.max(answer.retryAfterMs, this.#unauthorizedBackoff.nextMs()), signal)
        break
      }
      case 'again':
        report.failed(answer.reason)
        await this.#wait(Math.max(answer.retryAfterMs, this.#backoff.nextMs()), signal)
        break
    }
    return answer
  }
}
