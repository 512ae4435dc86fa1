import { Type } from '@sinclair/typebox'
import { Datetime } from './text.js'

const Reason = Type.Union([Type.Literal('age'), Type.Literal('total_bytes'), Type.Literal('free_disk')], {
  description: 'Older than `RETAIN_DAYS`, beyond `RETAIN_MAX_BYTES`, or in the way of `MIN_FREE_BYTES`', examples: ['age']
})
const Limit = Type.Union([Type.Literal('total_bytes'), Type.Literal('free_disk'), Type.Null()], {
  description: 'The limit beyond which there still is evidence, since no more may be deleted; null for none'
})

/** What retention would do. */
export const RetentionPlan = Type.Object({
  retain_days: Type.Union([Type.Number(), Type.Null()], { description: '`RETAIN_DAYS`; null for ever', examples: [90] }),
  retain_max_bytes: Type.Union([Type.Integer(), Type.Null()], { description: '`RETAIN_MAX_BYTES`; null for no limit' }),
  min_free_bytes: Type.Integer({ description: '`MIN_FREE_BYTES`', examples: [104857600] }),
  unreviewed: Type.Union([Type.Literal('keep'), Type.Literal('delete')], { description: '`RETAIN_UNREVIEWED`' }),
  evidence_bytes: Type.Integer({ description: 'All evidence that is kept', examples: [52428800] }),
  free_bytes: Type.Union([Type.Integer(), Type.Null()], { description: 'Of the disk; null where the system does not say' }),
  would_delete: Type.Object({
    events: Type.Integer({ examples: [2] }),
    bytes: Type.Integer({ examples: [1048576] })
  }, { description: 'Whose evidence would go now' }),
  limit_exceeded: Limit,
  events: Type.Array(Type.Object({
    id: Type.Integer(),
    camera_id: Type.String(),
    datetime: Datetime('When it started'),
    ended_at: Datetime('When it ended'),
    files: Type.Integer({ description: 'Its frames and clips' }),
    bytes: Type.Integer(),
    reason: Reason
  }), { description: 'The first of them, oldest first, at most 1000. They go in this order, at the next look, within half a minute' })
}, { $id: 'RetentionPlan' })

/** What one round of retention has deleted. */
export const RetentionReport = Type.Object({
  events: Type.Integer({ description: 'Events whose evidence was deleted; they themselves stay', examples: [2] }),
  bytes: Type.Integer({ examples: [1048576] }),
  limit_exceeded: Limit
}, { $id: 'RetentionReport' })
