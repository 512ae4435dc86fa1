import { Type, type Static } from '@sinclair/typebox'
import { Datetime } from './text.js'

/** What people say of an event. */
export const VerdictName = Type.Union([Type.Literal('confirmed'), Type.Literal('false_positive'), Type.Literal('unsure')], {
  description: '`confirmed`: it is oil; `false_positive`: it is none; `unsure`: nobody can tell from the pictures', examples: ['confirmed']
})

/** As `LOOK_ALIKES` of core. */
const LookAlikeName = Type.Union([
  Type.Literal('algal_bloom'), Type.Literal('biogenic_film'), Type.Literal('cloud_shadow'), Type.Literal('current_front'), Type.Literal('ice'),
  Type.Literal('internal_wave'), Type.Literal('kelp'), Type.Literal('low_wind'), Type.Literal('natural_seep'), Type.Literal('rain_cell'),
  Type.Literal('run_off'), Type.Literal('sediment'), Type.Literal('shallow_bottom'), Type.Literal('ship_wake'), Type.Literal('upwelling'),
  Type.Literal('sun_glint'), Type.Literal('reflection'), Type.Literal('foam'), Type.Literal('lens_dirt'), Type.Literal('other')
], { description: 'What was taken for oil; only where the verdict is `false_positive`' })

const Code = Type.Integer({
  minimum: 1,
  maximum: 5,
  description: 'Bonn Agreement Oil Appearance Code: 1 sheen, 2 rainbow, 3 metallic, 4 discontinuous true oil colour, 5 continuous true oil colour; not where the verdict is `false_positive`'
})

const Somebody = (description: string) => Type.Union([Type.String({ examples: ['jane.doe'] }), Type.Null()], { description })

/** What somebody says of an event. */
export const NewReview = Type.Object({
  verdict: VerdictName,
  look_alike: Type.Optional(LookAlikeName),
  oil_appearance_code: Type.Optional(Code),
  notes: Type.Optional(Type.String({ maxLength: 4000, description: 'For people; they can be searched', examples: ['Silver sheen, drifts north-east, about 200 m'] }))
}, { $id: 'NewReview', additionalProperties: false, examples: [{ verdict: 'confirmed', oil_appearance_code: 2, notes: 'Rainbow sheen, drifts north-east' }] })

/** A review as it is kept. */
export const Review = Type.Object({
  review_id: Type.Integer({ examples: [12] }),
  event_id: Type.Integer({ description: 'The event that was reviewed; it may have become a part of another one since', examples: [7] }),
  at: Datetime('When'),
  reviewer: Somebody('Who; null where the server took the verdict back, since the event became one with another of which something else was said'),
  verdict: Type.Union([VerdictName, Type.Null()], { description: 'null where it was taken back' }),
  look_alike: Type.Union([Type.String({ examples: ['sun_glint'] }), Type.Null()], { description: 'What was taken for oil; null where nobody said, or it is oil' }),
  oil_appearance_code: Type.Union([Code, Type.Null()], { description: 'How the oil looks; null where nobody said' }),
  notes: Type.String({ examples: ['Silver sheen, drifts north-east, about 200 m'] })
}, { $id: 'Review', description: 'What somebody said of an event' })

/** A review as it is kept. */
export type Review = Static<typeof Review>

/** Who has seen an event first. */
export const Acknowledgement = Type.Object({
  acknowledged_at: Type.Union([Datetime('When somebody first said: I have seen it'), Type.Null()], { description: 'null while nobody has' }),
  acknowledged_by: Somebody('Who; null while nobody has')
}, { $id: 'Acknowledgement', description: 'Who has seen an event first' })

const Reason = Type.String({ minLength: 1, maxLength: 1000, pattern: '\\S', description: 'Why', examples: ['Evidence in the case 2023-118'] })

/** Why an event is held. */
export const HoldRequest = Type.Object({ reason: Reason }, { $id: 'HoldRequest', additionalProperties: false })

/** Why an event is released; need not be said. */
export const ReleaseRequest = Type.Object({ reason: Type.Optional(Reason) }, { $id: 'ReleaseRequest', additionalProperties: false, examples: [{ reason: 'The case is closed' }] })

/** Whether an event is held. */
export const HoldState = Type.Object({
  held: Type.Boolean({ description: 'Whether retention leaves its evidence alone', examples: [true] })
}, { $id: 'HoldState' })

/** That an event was held or released. */
export const Hold = Type.Object({
  hold_id: Type.Integer({ examples: [3] }),
  event_id: Type.Integer({ description: 'The event; it may have become a part of another one since', examples: [7] }),
  at: Datetime('When'),
  username: Somebody('Who; null where the server handed the hold on, since the event became a part of another one'),
  held: Type.Boolean({ description: 'Whether it was held; false for a release', examples: [true] }),
  reason: Type.String({ examples: ['Evidence in the case 2023-118'] })
}, { $id: 'Hold', description: 'That an event was held or released' })

/** That an event was held or released. */
export type Hold = Static<typeof Hold>
