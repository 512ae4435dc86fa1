import cors from '@fastify/cors'
import fp from 'fastify-plugin'

/** Lets pages of any origin read the API, as the original did. Nothing here rests on cookies, so that gives nothing away. */
export default fp(async app => {
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: 'ETag, Last-Modified, Retry-After, X-Timestamp', // an array would be joined for each answer
    maxAge: 600,
    strictPreflight: false
  })
}, { name: 'cors' })
