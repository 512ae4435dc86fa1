import { STATUS_CODES } from 'node:http'
import { Type, type TSchema, type TUnsafe, type Static } from '@sinclair/typebox'
import type { SwaggerTransform } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { roleFor, type Access, type Role, type ViewerAccess } from '../core/role.js'
import {
  AuthorizationInvalid, CrossSiteRequest, Internal, LoginMissing, LoginsBusy, LoginWrong, RoleMissing, ShuttingDown, TokenWrong, TooManyFailedLogins
} from '../errors.js'
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
  const all = [...expected, new Internal(), new ShuttingDown()]
  const samples = all.filter(({ code }, at) => all.findIndex(each => each.code === code) === at)
  const statuses = [...new Set(samples.map(({ statusCode }) => statusCode))].sort((a, b) => a - b)
  return Object.fromEntries(statuses.map(status => [status, errorResponse(status, samples.filter(({ statusCode }) => statusCode === status))]))
}

/**
 * Completes each route's documentation with what follows from who may use it: how to log in, as which role (OpenAPI 3.1
 * lets a requirement name roles), and the errors of those who do not.
 */
export function documentAccess (viewerAccess: ViewerAccess): SwaggerTransform {
  return ({ schema, url, route: { config, method } }) => {
    const { access } = config ?? {}
    return { url, schema: access === undefined || schema?.hide === true ? schema : withAccess(schema, String(method), access, viewerAccess) }
  }
}

function withAccess (schema: FastifySchema, method: string, access: Access, viewerAccess: ViewerAccess): FastifySchema {
  const role = roleFor(access, viewerAccess)
  const camera = access === 'camera' || access === 'operator-or-camera' ? [{ CameraPassword: [] }] : []
  const everybody = access === 'public' && role === undefined ? [{}] : []
  const person = access === 'public' ? 'viewer' : role
  const response = role === undefined ? schema.response : withErrors(schema.response, loginErrors(role, method))
  return {
    ...schema,
    security: [...everybody, ...camera, ...(person === undefined ? [] : asRole(person))],
    ...(response !== undefined && { response })
  }
}

function asRole (role: Role): Array<Record<string, string[]>> {
  return [{ Session: [role] }, { Basic: [role] }, { Token: [role] }]
}

/** What a person is answered who has no rights as a role, or none yet. */
export function loginErrors (role: Role, method: string): SampleError[] {
  const errors = [new LoginMissing(), new LoginWrong(), new TokenWrong(), new AuthorizationInvalid(), new TooManyFailedLogins(), new LoginsBusy()]
  // A viewer has the least rights: nobody who logs in has too few.
  return [...errors, ...(role === 'viewer' ? [] : [new RoleMissing(role)]), ...(method === 'GET' ? [] : [new CrossSiteRequest()])]
}

/** Adds errors to those that a route documents itself. */
function withErrors (response: unknown, errors: SampleError[]): Record<string, unknown> {
  const documented = Object.entries(Object(response))
  const known = documented.flatMap(([, each]) => samplesOf(each))
  const other = documented.filter(([, each]) => samplesOf(each).length === 0)
  return { ...Object.fromEntries(other), ...errorResponses(...known, ...errors) }
}

/** The errors that `errorResponse` has documented in a response. */
function samplesOf (response: unknown): SampleError[] {
  const examples: Record<string, { value: SampleError }> = Object(response).content?.['application/json']?.examples ?? {}
  return Object.values(examples).map(({ value }) => value)
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
