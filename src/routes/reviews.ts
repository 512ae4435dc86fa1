import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { reviewProblem, type Acknowledgement as StoredAcknowledgement, type StoredHold, type StoredReview } from '../core/review.js'
import { formatDatetime } from '../core/time-format.js'
import {
  BodyTooLarge, EventMerged, EventNotFound, HistoryUnavailable, LoginMissing, MediaTypeUnsupported, ReadRateExceeded, RequestInvalid, RequestTimeout, ReviewInvalid
} from '../errors.js'
import { EventParams } from '../schemas/oil-spill-event.js'
import { Acknowledgement, Hold, HoldRequest, HoldState, NewReview, ReleaseRequest, Review } from '../schemas/review.js'
import { content, errorResponses, ref } from './documented.js'

const MAX_BODY_BYTES = 32 * 1024

const read = [new RequestInvalid('params/id Expected integer'), new EventNotFound(1), new ReadRateExceeded(), new HistoryUnavailable('SQLITE_BUSY')]
const said = [...read, new EventMerged(7, 3)]
const written = [...said, new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported()]

/** What operators say of events: what they are, that they have been seen, and that their evidence is to stay. */
export default (async app => {
  /** Who says something of which event, now. */
  function saying (request: FastifyRequest, eventId: number) {
    if (request.person === null) throw new LoginMissing()
    return { eventId, username: request.person.username, atMs: app.clock.nowMs() }
  }

  /** Nothing need be said. */
  const withBody = (request: FastifyRequest, _reply: unknown, done: () => void): void => {
    request.body ??= {}
    done()
  }

  app.post('/api/oil_spill_events/:id/review', {
    bodyLimit: MAX_BODY_BYTES,
    config: { access: 'operator' },
    schema: {
      operationId: 'reviewOilSpillEvent',
      tags: ['reviews'],
      summary: 'Say whether an event is an oil spill',
      description: 'The newest review counts, and all are kept. A part of a merged event cannot be reviewed, only the whole.',
      params: EventParams,
      body: NewReview,
      response: {
        201: content('application/json', ref(Review), { description: 'The review' }),
        ...errorResponses(...written, new ReviewInvalid('look_alike says what a false positive was'))
      }
    }
  }, async (request, reply) => {
    const { verdict, look_alike: lookAlike = null, oil_appearance_code: oilAppearanceCode = null, notes = '' } = request.body
    const review = { verdict, lookAlike, oilAppearanceCode, notes }
    const problem = reviewProblem(review)
    if (problem !== undefined) throw new ReviewInvalid(problem)
    const stored = await app.reviews.review(saying(request, request.params.id), review)
    request.log.info({ eventId: stored.eventId, verdict, username: stored.reviewer }, 'an event was reviewed')
    void reply.code(201)
    return reviewToJson(stored)
  })

  app.get('/api/oil_spill_events/:id/reviews', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'listReviews',
      tags: ['reviews'],
      summary: 'List the reviews of an event',
      description: 'With those of the events that became parts of it.',
      params: EventParams,
      response: { 200: content('application/json', Type.Array(ref(Review)), { description: 'The newest 1000, newest first' }), ...errorResponses(...read) }
    }
  }, async request => (await app.reviews.reviewsOf(request.params.id)).map(reviewToJson))

  app.post('/api/oil_spill_events/:id/acknowledge', {
    bodyLimit: MAX_BODY_BYTES,
    config: { access: 'operator' },
    schema: {
      operationId: 'acknowledgeOilSpillEvent',
      tags: ['reviews'],
      summary: 'Say that you have seen an event',
      description: 'Who was the first stays: another one changes nothing.',
      params: EventParams,
      response: { 200: content('application/json', ref(Acknowledgement), { description: 'Who was the first' }), ...errorResponses(...said, new BodyTooLarge(), new RequestTimeout(), new MediaTypeUnsupported()) }
    }
  }, async request => {
    const who = saying(request, request.params.id)
    const acknowledgement = await app.reviews.acknowledge(who)
    request.log.info({ eventId: who.eventId, username: who.username }, 'an event was acknowledged')
    return acknowledgementToJson(acknowledgement)
  })

  app.get('/api/oil_spill_events/:id/acknowledgement', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'getAcknowledgement',
      tags: ['reviews'],
      summary: 'Get who has seen an event first',
      params: EventParams,
      response: { 200: content('application/json', ref(Acknowledgement), { description: 'Who was the first' }), ...errorResponses(...read) }
    }
  }, async request => acknowledgementToJson(await app.reviews.acknowledgementOf(request.params.id)))

  app.post('/api/oil_spill_events/:id/hold', {
    bodyLimit: MAX_BODY_BYTES,
    config: { access: 'operator' },
    schema: {
      operationId: 'holdOilSpillEvent',
      tags: ['reviews'],
      summary: 'Keep the evidence of an event from being deleted',
      description: 'Retention leaves it alone until somebody releases it. An event that is held already is held for one more reason; a release ends all of them.',
      params: EventParams,
      body: HoldRequest,
      response: { 200: content('application/json', ref(HoldState), { description: 'It is held' }), ...errorResponses(...written) }
    }
  }, async request => {
    const { isHeld, username, eventId } = await app.reviews.hold(saying(request, request.params.id), request.body.reason)
    request.log.info({ eventId, username }, 'an event was held')
    return { held: isHeld }
  })

  app.post('/api/oil_spill_events/:id/release', {
    bodyLimit: MAX_BODY_BYTES,
    preValidation: withBody,
    config: { access: 'operator' },
    schema: {
      operationId: 'releaseOilSpillEvent',
      tags: ['reviews'],
      summary: 'Let retention delete the evidence of an event again',
      description: 'Of an event that is not held nothing changes.',
      params: EventParams,
      body: ReleaseRequest,
      response: { 200: content('application/json', ref(HoldState), { description: 'It is not held' }), ...errorResponses(...written) }
    }
  }, async request => {
    const who = saying(request, request.params.id)
    const released = await app.reviews.release(who, request.body.reason ?? '')
    if (released !== undefined) request.log.info({ eventId: who.eventId, username: who.username }, 'an event was released')
    return { held: false }
  })

  app.get('/api/oil_spill_events/:id/holds', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'listHolds',
      tags: ['reviews'],
      summary: 'List when an event was held and released, by whom and why',
      params: EventParams,
      response: { 200: content('application/json', Type.Array(ref(Hold)), { description: 'The newest 1000, newest first' }), ...errorResponses(...read) }
    }
  }, async request => (await app.reviews.holdsOf(request.params.id)).map(holdToJson))
}) satisfies FastifyPluginAsyncTypebox

function reviewToJson (review: StoredReview): Review {
  return {
    review_id: review.reviewId,
    event_id: review.eventId,
    at: formatDatetime(review.atMs),
    reviewer: review.reviewer,
    verdict: review.verdict,
    look_alike: review.lookAlike,
    oil_appearance_code: review.oilAppearanceCode,
    notes: review.notes
  }
}

function acknowledgementToJson ({ atMs, username }: StoredAcknowledgement) {
  return { acknowledged_at: atMs === null ? null : formatDatetime(atMs), acknowledged_by: username }
}

function holdToJson ({ holdId, eventId, atMs, username, isHeld, reason }: StoredHold): Hold {
  return { hold_id: holdId, event_id: eventId, at: formatDatetime(atMs), username, held: isHeld, reason }
}
