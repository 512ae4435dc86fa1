import type { FastifyInstance, FastifyReply } from 'fastify'
import { ByteBudget } from '../core/byte-budget.js'
import type { OilSpillEvent } from '../core/event.js'
import { formatDatetime } from '../core/time-format.js'
import { EvidenceDeleted, ReadsBusy } from '../errors.js'

/** Evidence that is held in memory for clients at once: those that never read it must not crowd out the cameras. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

/** What is held is a few frames for each client. */
const RETRY_AFTER_SECONDS = 5

/** What all reads of evidence of one kind have in common. */
export function evidenceReads (app: FastifyInstance) {
  const held = new ByteBudget(MAX_HELD_BYTES)

  return {
    /**
     * Counts what is in memory for a client until its answer is out or its connection has gone.
     * @throws ReadsBusy where that would be too much
     */
    hold (bytes: number, reply: FastifyReply): void {
      if (!held.take(bytes)) {
        void reply.header('retry-after', RETRY_AFTER_SECONDS)
        throw new ReadsBusy()
      }
      reply.raw.once('close', () => { held.give(bytes) })
    },
    /** @throws EvidenceDeleted, with when and why, where retention has deleted an event's evidence */
    async refuseDeleted ({ id, evidenceState }: OilSpillEvent): Promise<void> {
      if (evidenceState !== 'deleted') return
      const deletion = await app.eventRepository.deletionOf(id)
      throw new EvidenceDeleted(id, deletion === undefined ? 'an unknown day' : formatDatetime(deletion.atMs), deletion?.reason ?? 'the ledger does not say why')
    }
  }
}
