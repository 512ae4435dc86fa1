import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { DEFAULT_CAMERA_ID } from '../core/camera.js'
import type { LiveCamera } from '../core/live-camera.js'
import { formatDatetime } from '../core/time-format.js'
import { CameraNotFound, ReadRateExceeded, RequestInvalid } from '../errors.js'
import { CamerasQuery, CamerasStatus } from '../schemas/camera.js'
import { DetectionSummary, Status } from '../schemas/status.js'
import { version } from '../version.js'
import { cameraNamed, twins } from './camera-twins.js'
import { content, errorResponses, ref } from './documented.js'

/** How things are, from memory alone: it answers while the disk hangs, and costs the same however long the history. */
export default (async app => {
  const { clock } = app
  const startedMonotonicMs = clock.monotonicMs()
  const notFound = [new RequestInvalid('querystring/camera Expected string'), new CameraNotFound('rig-4')]

  for (const { url, operationId, schema } of twins({ url: '/api/status', operationId: 'getStatus' }, { path: '/status', operationId: 'getCameraStatus' })) {
    app.get(url, {
      config: { access: 'public' },
      schema: {
        operationId,
        tags: ['data'],
        summary: 'Get the status of server and stream',
        ...schema,
        response: {
          200: content('application/json', ref(Status), { description: 'How things are now' }),
          ...errorResponses(...notFound, new ReadRateExceeded())
        }
      }
    }, async request => {
      const camera = app.findCamera(cameraNamed(request))
      const { ok, failures, lastError } = app.eventArchive.health
      const { newest } = camera.frames
      const { unstored } = app.feeds
      return {
        ...overviewOf(camera),
        server_time: clock.nowMs() / 1000,
        relay: relayTotals(camera),
        frames_received: camera.frames.framesReceived,
        resolution: newest === undefined ? null : { width: newest.width, height: newest.height },
        last_capture_time: newest?.capturedAtMs === undefined ? null : newest.capturedAtMs / 1000,
        clock_skew_seconds: camera.clockSkewMs === null ? null : camera.clockSkewMs / 1000,
        late_frames: camera.counts.late,
        duplicate_frames: camera.counts.duplicate,
        uptime_seconds: seconds(clock.monotonicMs() - startedMonotonicMs),
        version,
        unauthorized_attempts: app.refusalCount('password') + app.refusalCount('login'),
        refused_frames: camera.counts.refused,
        storage: {
          ok,
          failures,
          last_error: lastError,
          unstored_detections: unstored.count,
          lost_detections: unstored.lostCount,
          evidence_bytes: app.evidenceUse.totalBytes ?? null,
          free_bytes: app.diskRoom.freeBytes ?? null,
          limit_exceeded: app.evidenceUse.limitExceeded ?? null
        },
        cameras: census()
      }
    })
  }

  app.get('/api/cameras/status', {
    config: { access: 'public' },
    schema: {
      operationId: 'getCamerasStatus',
      tags: ['data'],
      summary: 'Get how every camera is, in one answer',
      response: {
        200: content('application/json', ref(CamerasStatus), { description: 'How they are now' }),
        ...errorResponses(new ReadRateExceeded())
      }
    }
  }, async () => ({ server_time: clock.nowMs() / 1000, cameras: [...app.cameras.all()].map(overviewOf) }))

  app.get('/api/detection_summary', {
    config: { access: 'public' },
    schema: {
      operationId: 'getDetectionSummary',
      tags: ['data'],
      summary: 'Get the detections in short',
      description: 'Of all cameras, or of one. A camera that sends nothing makes the status unknown, whatever the reason: silence is not "no spill".',
      querystring: CamerasQuery,
      response: {
        200: content('application/json', ref(DetectionSummary), { description: 'The history in short' }),
        ...errorResponses(...notFound, new ReadRateExceeded())
      }
    }
  }, async request => {
    const named = request.query.camera
    const cameras = named === undefined ? [...app.cameras.all()] : [app.findCamera(named)]
    const { total, newestStartedAtMs } = app.eventRepository.summaryOf(named)
    return {
      current_status: statusLine(cameras),
      total_events: total,
      last_detection: newestStartedAtMs === undefined ? null : formatDatetime(newestStartedAtMs)
    }
  })

  function overviewOf (camera: LiveCamera) {
    const { frames: { newest }, liveStream } = camera
    const monotonicMs = clock.monotonicMs()
    const ageMs = camera.ageMs(monotonicMs)
    return {
      camera_id: camera.id,
      name: camera.settings.name,
      site: camera.settings.site,
      state: camera.state(monotonicMs),
      stream_active: liveStream.active,
      last_frame_time: newest === undefined ? null : newest.receivedAtMs / 1000,
      frame_age_seconds: ageMs === undefined ? null : seconds(ageMs),
      oil_spill_detected: camera.spillReported,
      open_event_id: camera.recorder.openEventId ?? null,
      oil_spill_events: app.eventRepository.summaryOf(camera.id).total,
      input_fps: camera.frames.inputFps(monotonicMs),
      viewers: liveStream.viewerCount,
      source_state: app.sourceReport(camera.id)?.state ?? null
    }
  }

  /** How many cameras are how: whoever looks at one sees that something is up with another. */
  function census () {
    const counts = { total: 0, online: 0, delayed: 0, offline: 0, reporting_spill: 0 }
    for (const camera of app.cameras.all()) {
      const state = camera.state(clock.monotonicMs())
      counts.total += 1
      if (state === 'online' || state === 'delayed' || state === 'offline') counts[state] += 1
      if (camera.spillReported) counts.reporting_spill += 1
    }
    return counts
  }

  /** Nobody knows what a camera would see that sends nothing. A default camera that was never used is no camera yet. */
  function isUnknown (camera: LiveCamera): boolean {
    const state = camera.state(clock.monotonicMs())
    return state !== 'online' && !(state === 'never_seen' && camera.id === DEFAULT_CAMERA_ID)
  }

  function statusLine (cameras: readonly LiveCamera[]): string {
    if (cameras.some(camera => camera.spillReported)) return 'Alert: Oil spill detected'
    const unknown = cameras.filter(isUnknown).map(camera => camera.id)
    return unknown.length === 0 ? 'Normal: No oil spill detected' : `Unknown: No frames from ${unknown.join(', ')}`
  }
}) satisfies FastifyPluginAsyncTypebox

function relayTotals ({ liveStream }: LiveCamera) {
  const totals = liveStream.totals
  return {
    viewers_served: totals.viewersServed,
    viewers_stalled: totals.viewersStalled,
    viewers_refused: totals.viewersRefused,
    frames_sent: totals.framesSent,
    frames_skipped: totals.framesSkipped,
    bytes_sent: totals.bytesSent
  }
}

function seconds (ms: number): number {
  return Math.round(ms) / 1000
}
