import cors from '@fastify/cors'
import fp from 'fastify-plugin'

/** Lets pages of any origin read the API, as the original did. Without credentials: their browsers send
 * no cookies along, so such pages see what everybody sees, unless they have an API token. */
export default fp(async app => {
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: 'ETag, Last-Modified, Retry-After, X-Timestamp', // an array would be joined for each answer
    maxAge: 600,
    strictPreflight: false
  })
}, { name: 'cors' })
