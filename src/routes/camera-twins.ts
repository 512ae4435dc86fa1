import type { FastifyRequest } from 'fastify'
import { CameraParams, CameraQuery } from '../schemas/camera.js'

/** The two ways to ask the same of a camera: as the original program did, with `?camera=`, or below the camera's own path. */
export interface Twin {
  readonly url: string
  readonly operationId: string
  readonly schema: { querystring: typeof CameraQuery } | { params: typeof CameraParams }
}

/**
 * Both addresses of what is asked of one camera.
 * @param original the path of the original program
 * @param own the path below `/api/cameras/{camera_id}`
 */
export function twins (original: { url: string, operationId: string }, own: { path: string, operationId: string }): readonly [Twin, Twin] {
  return [
    { ...original, schema: { querystring: CameraQuery } },
    { url: `/api/cameras/:camera_id${own.path}`, operationId: own.operationId, schema: { params: CameraParams } }
  ]
}

/** The camera that a request names in its path or its query; undefined for the default one. */
export function cameraNamed ({ params, query }: FastifyRequest): string | undefined {
  return textOf(params, 'camera_id') ?? textOf(query, 'camera')
}

function textOf (values: unknown, name: string): string | undefined {
  if (typeof values !== 'object' || values === null) return undefined
  const value: unknown = Reflect.get(values, name)
  return typeof value === 'string' ? value : undefined
}
