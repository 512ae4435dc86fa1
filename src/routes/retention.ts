import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Deletion } from '../core/retention.js'
import { formatDatetime } from '../core/time-format.js'
import { actorOf } from '../core/user.js'
import { HistoryUnavailable, ReadRateExceeded } from '../errors.js'
import { RetentionPlan, RetentionReport } from '../schemas/retention.js'
import { content, errorResponses, ref } from './documented.js'

/** Events that are listed; all are counted. */
const MAX_LISTED = 1000

const DAY_MS = 86_400_000

/** What evidence would be deleted, and to have it deleted now. */
export default (async app => {
  const errors = errorResponses(new ReadRateExceeded(), new HistoryUnavailable('SQLITE_BUSY'))

  app.get('/api/retention', {
    config: { access: 'admin' },
    schema: {
      operationId: 'planRetention',
      tags: ['data'],
      summary: 'Say what evidence would be deleted now, and why',
      description: 'Deletes nothing. Only evidence is ever deleted: the event, its detections and hashes stay. Never that of an event that is open, held, or, with `RETAIN_UNREVIEWED=keep`, not reviewed.',
      response: { 200: content('application/json', ref(RetentionPlan), { description: 'What would go' }), ...errors }
    }
  }, async () => {
    const { retainMs, maxBytes, minFreeBytes, unreviewed } = app.retention.policy
    const { deletions, choice, usage } = await app.retention.plan()
    const wouldDelete = { events: 0, bytes: 0 }
    const listed: Deletion[] = []
    for await (const each of deletions) {
      wouldDelete.events += 1
      wouldDelete.bytes += each.sizeBytes
      if (listed.length < MAX_LISTED) listed.push(each)
    }
    return {
      retain_days: retainMs === undefined ? null : retainMs / DAY_MS,
      retain_max_bytes: maxBytes ?? null,
      min_free_bytes: minFreeBytes,
      unreviewed,
      evidence_bytes: usage.totalBytes,
      free_bytes: usage.freeBytes ?? null,
      would_delete: wouldDelete,
      limit_exceeded: choice.limitExceeded ?? null,
      events: listed.map(toJson)
    }
  })

  app.post('/api/retention', {
    config: { access: 'admin' },
    schema: {
      operationId: 'runRetention',
      tags: ['data'],
      summary: 'Delete now what evidence has to go',
      description: 'What `GET /api/retention` says. The server does so by itself twice a minute, and when there is no room for new evidence.',
      response: { 200: content('application/json', ref(RetentionReport), { description: 'What was deleted' }), ...errors }
    }
  }, async request => {
    const { events, bytes, limitExceeded } = await app.retention.run(actorOf(request))
    request.log.info({ events, bytes, by: request.person?.username }, 'evidence was deleted on demand')
    return { events, bytes, limit_exceeded: limitExceeded ?? null }
  })
}) satisfies FastifyPluginAsyncTypebox

function toJson ({ eventId, cameraId, startedAtMs, endedAtMs, files, sizeBytes, reason }: Deletion) {
  return { id: eventId, camera_id: cameraId, datetime: formatDatetime(startedAtMs), ended_at: formatDatetime(endedAtMs), files, bytes: sizeBytes, reason }
}
