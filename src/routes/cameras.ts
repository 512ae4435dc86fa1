import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Config } from '../config.js'
import { DEFAULT_CAMERA_ID, type CameraKey as StoredKey, type CameraSettings } from '../core/camera.js'
import type { LiveCamera } from '../core/live-camera.js'
import type { SourceReport } from '../core/source-report.js'
import { maskedSource, sourceProblem } from '../core/source-url.js'
import { formatDatetime } from '../core/time-format.js'
import { actorOf } from '../core/user.js'
import {
  BodyTooLarge, CameraExists, CameraKeyNotFound, CameraNotFound, DefaultCameraStays, HistoryUnavailable, MediaTypeUnsupported, ReadRateExceeded, RequestInvalid,
  RequestTimeout, SourceInvalid, TooManyCameras
} from '../errors.js'
import { Camera, CameraChanges, CameraConnection, CameraKey, CameraKeyParams, CameraParams, NewCamera, NewCameraKey } from '../schemas/camera.js'
import { content, errorResponses, ref } from './documented.js'

const MAX_BODY_BYTES = 16 * 1024

/** Where a camera's address would be, there is something else. */
const RESERVED_IDS = new Set(['status'])

/** Notes of connections that are shown at most. */
const MAX_CONNECTIONS = 1000

const NOTHING_KNOWN = { name: '', site: null, latitude: null, longitude: null, heading: null, enabled: true, source: null, sourceFps: null }

const unavailable = new HistoryUnavailable('SQLITE_BUSY')
const notFound = [new RequestInvalid('params/camera_id Expected string'), new CameraNotFound('rig-4')]
const badBody = [new SourceInvalid('write two slashes behind rtsp:'), new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported()]

/** The cameras of this server, and their keys. */
export default (async (app, { config }) => {
  const shown = ({ id, settings }: LiveCamera): Camera => toJson(settings, app.sourceReport(id))

  app.get('/api/cameras', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'listCameras',
      tags: ['cameras'],
      summary: 'List all cameras',
      response: { 200: content('application/json', Type.Array(ref(Camera)), { description: 'In the order in which they were made' }), ...errorResponses(new ReadRateExceeded()) }
    }
  }, async () => [...app.cameras.all()].map(shown))

  app.post('/api/cameras', {
    bodyLimit: MAX_BODY_BYTES,
    config: { access: 'admin' },
    schema: {
      operationId: 'createCamera',
      tags: ['cameras'],
      summary: 'Set up a camera',
      description: 'It needs a key before it can send: `POST /api/cameras/{camera_id}/keys`.',
      body: NewCamera,
      response: {
        201: content('application/json', ref(Camera), { description: 'It is set up' }),
        ...errorResponses(new RequestInvalid('body/camera_id Expected string'), ...badBody, new CameraExists('rig-4'), new TooManyCameras(config.maxCameras), new ReadRateExceeded(), unavailable)
      }
    }
  }, async (request, reply) => {
    const { camera_id: cameraId, ...rest } = request.body
    if (RESERVED_IDS.has(cameraId)) throw new RequestInvalid(`body/camera_id must not be ${cameraId}, which has a meaning in paths`)
    if (app.cameras.get(cameraId) !== undefined) throw new CameraExists(cameraId)
    if (app.cameras.count >= config.maxCameras) throw new TooManyCameras(config.maxCameras)
    const camera = await app.cameras.add({ ...NOTHING_KNOWN, cameraId, ...fromJson(rest) }, actorOf(request))
    request.log.info({ cameraId, address: request.ip }, 'a camera was set up')
    void reply.code(201)
    return shown(camera)
  })

  app.get('/api/cameras/:camera_id', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'getCamera',
      tags: ['cameras'],
      summary: 'Get a camera',
      params: CameraParams,
      response: { 200: content('application/json', ref(Camera), { description: 'The camera' }), ...errorResponses(...notFound, new ReadRateExceeded()) }
    }
  }, async request => shown(app.findCamera(request.params.camera_id)))

  app.patch('/api/cameras/:camera_id', {
    bodyLimit: MAX_BODY_BYTES,
    config: { access: 'admin' },
    schema: {
      operationId: 'changeCamera',
      tags: ['cameras'],
      summary: 'Change what is said of a camera, or switch it on or off',
      params: CameraParams,
      body: CameraChanges,
      response: {
        200: content('application/json', ref(Camera), { description: 'As it is now' }),
        ...errorResponses(...notFound, ...badBody, new ReadRateExceeded(), unavailable)
      }
    }
  }, async request => {
    const camera = app.findCamera(request.params.camera_id)
    await app.cameras.change(camera, fromJson(request.body), actorOf(request))
    request.log.info({ cameraId: camera.id, address: request.ip, changed: Object.keys(request.body) }, 'a camera was changed')
    return shown(camera)
  })

  app.delete('/api/cameras/:camera_id', {
    config: { access: 'admin' },
    schema: {
      operationId: 'removeCamera',
      tags: ['cameras'],
      summary: 'Remove a camera and its keys',
      description: 'A camera with a history is archived: its events and their evidence stay, and its id is not given again.',
      params: CameraParams,
      response: {
        200: content('application/json', Type.Object({ archived: Type.Boolean({ description: 'Whether it has a history, which stays' }) }), { description: 'It is gone' }),
        ...errorResponses(...notFound, new DefaultCameraStays(), new ReadRateExceeded(), unavailable)
      }
    }
  }, async request => {
    const camera = app.findCamera(request.params.camera_id)
    if (camera.id === DEFAULT_CAMERA_ID) throw new DefaultCameraStays()
    const archived = await app.cameras.remove(camera, actorOf(request))
    request.log.info({ cameraId: camera.id, address: request.ip, archived }, 'a camera was removed')
    return { archived }
  })

  app.get('/api/cameras/:camera_id/keys', {
    config: { access: 'admin' },
    schema: {
      operationId: 'listCameraKeys',
      tags: ['cameras'],
      summary: 'List the keys of a camera',
      params: CameraParams,
      response: { 200: content('application/json', Type.Array(ref(CameraKey)), { description: 'The oldest first; the keys themselves are not kept' }), ...errorResponses(...notFound, new ReadRateExceeded()) }
    }
  }, async request => app.cameras.keysOf(app.findCamera(request.params.camera_id).id).map(keyToJson))

  app.post('/api/cameras/:camera_id/keys', {
    bodyLimit: MAX_BODY_BYTES,
    config: { access: 'admin' },
    schema: {
      operationId: 'createCameraKey',
      tags: ['cameras'],
      summary: 'Make a key for a camera',
      description: 'Several may be live: make a new one, give it to the camera, then revoke the old one, and no frame is lost.',
      params: CameraParams,
      response: {
        201: content('application/json', ref(NewCameraKey), { description: 'The key, shown only this once' }),
        ...errorResponses(...notFound, new ReadRateExceeded(), unavailable)
      }
    }
  }, async (request, reply) => {
    const camera = app.findCamera(request.params.camera_id)
    const { key, secret } = await app.cameras.addKey(camera, actorOf(request))
    request.log.info({ cameraId: camera.id, keyId: key.keyId, address: request.ip }, 'a camera key was made')
    void reply.code(201).header('cache-control', 'no-store')
    return { ...keyToJson(key), key: secret }
  })

  app.delete('/api/cameras/:camera_id/keys/:key_id', {
    config: { access: 'admin' },
    schema: {
      operationId: 'revokeCameraKey',
      tags: ['cameras'],
      summary: 'Revoke a key of a camera',
      description: 'It holds from this answer on.',
      params: CameraKeyParams,
      response: {
        204: { description: 'The key opens nothing any more', type: 'null' },
        ...errorResponses(...notFound, new CameraKeyNotFound('5f0c7e1a9b3d2c48'), new ReadRateExceeded(), unavailable)
      }
    }
  }, async (request, reply) => {
    const camera = app.findCamera(request.params.camera_id)
    const { key_id: keyId } = request.params
    if (!await app.cameras.removeKey(camera, keyId, actorOf(request))) throw new CameraKeyNotFound(keyId)
    request.log.info({ cameraId: camera.id, keyId, address: request.ip }, 'a camera key was revoked')
    return await reply.code(204).send(null)
  })

  app.get('/api/cameras/:camera_id/connections', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'listCameraConnections',
      tags: ['cameras'],
      summary: 'List when a camera fell silent, and when it was heard again',
      params: CameraParams,
      response: {
        200: content('application/json', Type.Array(ref(CameraConnection)), { description: `The newest ${MAX_CONNECTIONS}, newest first` }),
        ...errorResponses(...notFound, new ReadRateExceeded(), unavailable)
      }
    }
  }, async request => {
    const notes = await app.cameraRepository.connectionsOf(app.findCamera(request.params.camera_id).id, MAX_CONNECTIONS)
    return notes.map(({ connection, atMs, lastFrameAtMs }) => ({
      connection, at: formatDatetime(atMs), last_frame_at: lastFrameAtMs === null ? null : formatDatetime(lastFrameAtMs)
    }))
  })
}) satisfies FastifyPluginAsyncTypebox<{ config: Config }>

function toJson ({ cameraId, source, sourceFps, ...rest }: CameraSettings, report: SourceReport | undefined): Camera {
  return {
    camera_id: cameraId,
    ...rest,
    source: source === null ? null : maskedSource(source),
    source_fps: sourceFps,
    source_state: report?.state ?? null,
    source_problem: report?.reason ?? null
  }
}

/** @throws SourceInvalid */
function fromJson ({ source_fps: sourceFps, ...rest }: CameraChanges): Partial<Omit<CameraSettings, 'cameraId'>> {
  const problem = typeof rest.source === 'string' ? sourceProblem(rest.source) : undefined
  if (problem !== undefined) throw new SourceInvalid(problem)
  return { ...rest, ...(sourceFps !== undefined && { sourceFps }) }
}

function keyToJson ({ keyId, createdAtMs }: StoredKey): CameraKey {
  return { key_id: keyId, created_at: formatDatetime(createdAtMs) }
}
