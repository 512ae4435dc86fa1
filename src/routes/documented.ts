import { STATUS_CODES } from 'node:http'
import { Type, type TSchema, type TUnsafe, type Static } from '@sinclair/typebox'
import { Internal, ShuttingDown } from '../errors.js'
import { ErrorSchema } from '../schemas/error.js'

/** An error of the catalogue, as an example. */
interface SampleError { readonly code: string, readonly statusCode: number, readonly message: string }

/** A reference to a schema that the application knows by its `$id`, with its type. */
export function ref<Schema extends TSchema & { $id?: string }> (schema: Schema): TUnsafe<Static<Schema>> {
  return Type.Unsafe<Static<Schema>>(Type.Ref(`${schema.$id}#`))
}

/** A response of one media type, with its description and headers. */
export function content<MediaType extends string, Schema extends TSchema> (
  mediaType: MediaType, schema: Schema, documentation: { description: string, headers?: Record<string, TSchema>, example?: unknown }
) {
  const { example, ...rest } = documentation
  const media: Record<MediaType, { schema: Schema }> = Object.create(null)
  media[mediaType] = { schema, ...(example !== undefined && { example }) }
  return { ...rest, content: media }
}

/**
 * Documents which of the catalogue's errors a route answers: a response for each status, with an example of each code.
 * That the server may fail or be shutting down goes without saying.
 */
export function errorResponses (...expected: SampleError[]) {
  const samples = [...expected, new Internal(), new ShuttingDown()]
  const statuses = [...new Set(samples.map(({ statusCode }) => statusCode))].sort((a, b) => a - b)
  return Object.fromEntries(statuses.map(status => [status, errorResponse(status, samples.filter(({ statusCode }) => statusCode === status))]))
}

function errorResponse (status: number, samples: SampleError[]) {
  const error = String(STATUS_CODES[status])
  const hasRetryAfter = status === 429 || status === 503
  return {
    description: `${error}: ${samples.map(({ code }) => `\`${code}\``).join(' or ')}`,
    ...(hasRetryAfter && { headers: { 'Retry-After': Type.Integer({ description: 'Seconds to wait before the next try' }) } }),
    content: {
      'application/json': {
        schema: ref(ErrorSchema),
        examples: Object.fromEntries(samples.map(({ code, message }) => [code, { value: { statusCode: status, code, error, message } }]))
      }
    }
  }
}
