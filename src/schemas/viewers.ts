import { Type } from '@sinclair/typebox'
import { EpochSeconds } from './text.js'

/** What viewers got, one or all. */
const figures = {
  frames_sent: Type.Integer({ description: 'Frames written, repeated ones among them', examples: [4512] }),
  frames_skipped: Type.Integer({ description: 'Frames that passed by while the viewer, or the server, could not keep up. Those left out for a viewer\'s rate before that do not count', examples: [3] }),
  bytes_sent: Type.Integer({ description: 'All bytes of the connections, the responses\' heads among them', examples: [455_712_000] })
}

/** Who watches now. */
export const Viewers = Type.Object({
  viewers: Type.Array(Type.Object({
    camera_id: Type.String({ description: 'The camera that it watches', examples: ['default'] }),
    address: Type.String({ description: 'The client\'s IP address', examples: ['192.0.2.17'] }),
    user_agent: Type.Union([Type.String(), Type.Null()], { description: 'What the client says it is', examples: ['VLC/3.0.18 LibVLC/3.0.18'] }),
    connected_since: EpochSeconds('When it began to watch'),
    max_fps: Type.Union([Type.Number(), Type.Null()], { description: 'Frames a second that it gets at most; null for all', examples: [5] }),
    ...figures
  }), { description: 'Every open live stream, the longest first' }),
  max_viewers: Type.Integer({ description: 'Viewers at once at most', examples: [500] })
}, { $id: 'Viewers' })

/** What all viewers got since the start. */
export const RelayTotals = Type.Object({
  viewers_served: Type.Integer({ description: 'Live streams opened', examples: [17] }),
  viewers_stalled: Type.Integer({ description: 'Those of them that were let go since they took nothing', examples: [1] }),
  viewers_refused: Type.Integer({ description: 'Live streams refused since too many were open', examples: [0] }),
  ...figures
}, { description: 'The live relay since the server started' })
