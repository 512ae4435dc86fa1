import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { formatDatetime } from '../core/time-format.js'
import { ReadRateExceeded } from '../errors.js'
import { DetectionSummary, Status } from '../schemas/status.js'
import { version } from '../version.js'
import { content, errorResponses, ref } from './documented.js'

/** How things are, from memory alone: it answers while the disk hangs, and costs the same however long the history. */
export default (async app => {
  const startedMonotonicMs = app.clock.monotonicMs()

  app.get('/api/status', {
    schema: {
      operationId: 'getStatus',
      tags: ['data'],
      summary: 'Get the status of server and stream',
      response: {
        200: content('application/json', ref(Status), { description: 'How things are now' }),
        ...errorResponses(new ReadRateExceeded())
      }
    }
  }, async () => {
    const frame = app.frameBuffer.newest
    const monotonicMs = app.clock.monotonicMs()
    const { ok, failures, lastError } = app.storageHealth()
    return {
      stream_active: app.liveStream.active,
      last_frame_time: frame === undefined ? null : frame.receivedAtMs / 1000,
      frame_age_seconds: frame === undefined ? null : seconds(monotonicMs - frame.receivedAtMonotonicMs),
      server_time: app.clock.nowMs() / 1000,
      oil_spill_detected: spillDetected(),
      oil_spill_events: app.eventRepository.totalEvents,
      viewers: app.liveStream.viewerCount,
      relay: relayTotals(),
      frames_received: app.frameBuffer.framesReceived,
      input_fps: app.frameBuffer.inputFps(monotonicMs),
      resolution: frame === undefined ? null : { width: frame.width, height: frame.height },
      uptime_seconds: seconds(monotonicMs - startedMonotonicMs),
      version,
      unauthorized_attempts: app.refusalCount('password'),
      refused_frames: app.refusalCount('frame'),
      storage: { ok, failures, last_error: lastError }
    }
  })

  app.get('/api/detection_summary', {
    schema: {
      operationId: 'getDetectionSummary',
      tags: ['data'],
      summary: 'Get the detections in short',
      response: {
        200: content('application/json', ref(DetectionSummary), { description: 'The history in short' }),
        ...errorResponses(new ReadRateExceeded())
      }
    }
  }, async () => {
    const newest = app.eventRepository.newestEvent
    return {
      current_status: spillDetected() ? 'Alert: Oil spill detected' : 'Normal: No oil spill detected',
      total_events: app.eventRepository.totalEvents,
      last_detection: newest === undefined ? null : formatDatetime(newest.startedAtMs)
    }
  })

  function relayTotals () {
    const totals = app.liveStream.totals
    return {
      viewers_served: totals.viewersServed,
      viewers_stalled: totals.viewersStalled,
      viewers_refused: totals.viewersRefused,
      frames_sent: totals.framesSent,
      frames_skipped: totals.framesSkipped,
      bytes_sent: totals.bytesSent
    }
  }

  /** An event that could not be stored is still a spill, so the newest frame counts as well as the open event. */
  function spillDetected (): boolean {
    return app.frameBuffer.newest?.spillReported === true || app.eventRecorder.eventOpen
  }
}) satisfies FastifyPluginAsyncTypebox

function seconds (ms: number): number {
  return Math.round(ms) / 1000
}
