import { randomUUID } from 'node:crypto'
import { makeHeaders } from './frame-headers.js'
import type { CameraFrame, FrameDetails, Shot } from './frame.js'
import type { Outbox } from './outbox.js'
import type { Report } from './report.js'
import type { SequenceNumbers } from './sequence.js'

/** What an intake works with. */
export interface IntakeSettings {
  numbers: Pick<SequenceNumbers, 'next'>
  outbox: Pick<Outbox, 'putClear' | 'putSpill' | 'putEnd'>
  report: Pick<Report, 'seen'>
  /** What is told of every frame: where the camera is. */
  position: FrameDetails
  /** The run that nothing had ended when the agent was last stopped; undefined where there is none. */
  runBefore?: number | undefined
}

/** Takes frames in: gives each its number, its time and its headers, and puts it into the outbox. */
export class Intake {
  readonly #settings: IntakeSettings
  readonly #saving = new Set<Promise<void>>()
  #runId: number | undefined
  /** The run whose end was not seen yet. After a start that may be one from before. */
  #unendedRunId: number | undefined

  constructor (settings: IntakeSettings) {
    this.#settings = settings
    this.#unendedRunId = settings.runBefore
  }

  /** Takes one frame, strictly in the order in which they come. */
  put (frame: CameraFrame): void {
    const { outbox, report } = this.#settings
    report.seen(frame.spillDetected)
    const shot = this.#toShot(frame)
    if (frame.spillDetected === true) {
      this.#runId ??= shot.sequence
      this.#unendedRunId = this.#runId
      this.#await(outbox.putSpill(shot, this.#runId), frame)
      return
    }
    const endedRunId = frame.spillDetected === false ? this.#unendedRunId : undefined
    if (endedRunId !== undefined) {
      this.#runId = this.#unendedRunId = undefined
      this.#await(outbox.putEnd(shot, endedRunId), frame)
      return
    }
    outbox.putClear(shot)
    frame.done?.()
  }

  #await (saving: Promise<void>, { done }: CameraFrame): void {
    const saved = saving.finally(() => {
      this.#saving.delete(saved)
      done?.()
    })
    this.#saving.add(saved)
  }

  /** Settles when every frame that is kept is where it is safe. */
  async idle (): Promise<void> {
    await Promise.all(this.#saving)
  }

  #toShot ({ jpeg, spillDetected, details, capturedAtMs = Date.now(), idempotencyKey: givenKey }: CameraFrame): Shot {
    const { numbers, position } = this.#settings
    const sequence = numbers.next()
    const idempotencyKey = spillDetected === true ? givenKey ?? randomUUID() : undefined
    const headers = makeHeaders({ spillDetected, capturedAtMs, sequence, idempotencyKey, details: { ...position, ...details } })
    return { jpeg, spillDetected, sequence, headers }
  }
}
