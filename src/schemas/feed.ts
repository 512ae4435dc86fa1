import { Type, type Static } from '@sinclair/typebox'

const count = (description: string) => Type.Integer({ minimum: 0, description })

/** What became of a feed, when its body has ended. */
export const FeedSummary = Type.Object({
  frames_received: count('Parts that were taken'),
  frames_refused: count('Parts that were skipped, since they were no frames or came faster than the camera may send'),
  frames_late: count('Of those taken, the ones that came after a newer frame: they only took their place in the history')
}, { $id: 'FeedSummary', examples: [{ frames_received: 9000, frames_refused: 0, frames_late: 0 }] })

/** What became of a feed. */
export type FeedSummary = Static<typeof FeedSummary>
