import fp from 'fastify-plugin'
import { ClipVideos } from '../store/clip-video.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes videos of clips. */
    clipVideos: ClipVideos
  }
}

/** Each takes a processor core for some seconds. */
const MAX_AT_ONCE = 2

/** Makes videos of clips where there is ffmpeg, and ends all before the server closes. */
export default fp(async app => {
  const videos = new ClipVideos(MAX_AT_ONCE)
  app.decorate('clipVideos', videos)
  app.addHook('preClose', async () => { videos.close() })
}, { name: 'clip-videos' })
