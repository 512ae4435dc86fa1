import fp from 'fastify-plugin'
import { ReviewRepository } from '../store/review-repository.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** What people say of events. */
    reviews: ReviewRepository
  }
}

/** Keeps what people say of events. */
export default fp(async app => {
  app.decorate('reviews', new ReviewRepository(app.sql))
}, { name: 'reviews', dependencies: ['database'] })
