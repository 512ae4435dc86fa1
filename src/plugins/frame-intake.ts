import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { parseFrameHeaders, type Headers } from '../core/frame-headers.js'
import type { FrameMemory } from '../core/frame-memory.js'
import type { Frame, FrameReport } from '../core/frame.js'
import { inspectJpeg } from '../core/jpeg.js'
import type { LiveCamera } from '../core/live-camera.js'
import {
  CaptureTimeInFuture, CaptureTimeTooOld, FrameHeaderInvalid, FrameInvalid, FrameTooManyPixels, SpillHeaderInvalid
} from '../errors.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Reads what a camera says of a frame in its headers. Throws SpillHeaderInvalid, FrameHeaderInvalid,
     * CaptureTimeInFuture or CaptureTimeTooOld.
     */
    readFrameReport (headers: Headers): FrameReport
    /** Makes a frame of what has arrived just now. Throws FrameInvalid or FrameTooManyPixels. */
    toFrame (memory: FrameMemory, report: FrameReport): Frame
    /**
     * Takes a frame that has arrived just now: it becomes the live picture at once, and what it means for the history is
     * stored. Undefined where nobody has to wait for that; otherwise settles when it is on disk. Throws FrameInvalid,
     * FrameTooManyPixels or CameraDisabled; rejects with StorageFull, StorageUnavailable or IdempotencyKeyReused.
     */
    takeFrame (camera: LiveCamera, memory: FrameMemory, report: FrameReport): Promise<void> | undefined
  }
}

/** How far a camera's clock may be ahead of the server's. */
const MAX_AHEAD_SECONDS = 60

/** The way of a frame from its bytes to its camera, however they came: all checks that need no look at the disk. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const { clock } = app

  app.decorate('readFrameReport', (headers: Headers) => {
    const report = parseFrameHeaders(headers)
    if ('header' in report) throw report.header === 'X-Oil-Spill-Detected' ? new SpillHeaderInvalid() : new FrameHeaderInvalid(report.header, report.expected)
    checkCaptureTime(report.capturedAtMs)
    return report
  })

  app.decorate('toFrame', (memory: FrameMemory, report: FrameReport) => {
    const inspected = inspectJpeg(memory.jpeg)
    if ('problem' in inspected) throw new FrameInvalid(inspected.problem)
    const { width, height } = inspected
    if (width * height > config.maxFramePixels) throw new FrameTooManyPixels(width, height, config.maxFramePixels)
    return { ...report, memory, width, height, receivedAtMs: clock.nowMs(), receivedAtMonotonicMs: clock.monotonicMs() }
  })
  app.decorate('takeFrame', (camera: LiveCamera, memory: FrameMemory, report: FrameReport) => camera.take(app.toFrame(memory, report)))

  function checkCaptureTime (capturedAtMs: number | undefined): void {
    if (capturedAtMs === undefined) return
    const aheadMs = capturedAtMs - clock.nowMs()
    if (aheadMs > MAX_AHEAD_SECONDS * 1000) throw new CaptureTimeInFuture(new Date(capturedAtMs).toISOString(), MAX_AHEAD_SECONDS)
    if (-aheadMs > config.lateFrameWindowSeconds * 1000) throw new CaptureTimeTooOld(new Date(capturedAtMs).toISOString(), config.lateFrameWindowSeconds)
  }
}, { name: 'frame-intake', dependencies: ['clock', 'cameras'] })
