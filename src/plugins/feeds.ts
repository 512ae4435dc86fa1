import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { Feed, type FeedCounts } from '../core/feed.js'
import type { FrameMemory } from '../core/frame-memory.js'
import type { LiveCamera } from '../core/live-camera.js'
import { HopelessStream } from '../core/multipart-parser.js'
import type { PartHeaders } from '../core/part-headers.js'
import { UnstoredDetections } from '../core/unstored-detections.js'
import { CameraDisabled, CameraMismatch, FeedInvalid, FeedReplaced, PasswordWrong, ShuttingDown, UploadBrokenOff } from '../errors.js'
import { markEndless } from './endless-requests.js'

declare module 'fastify' {
  interface FastifyInstance {
    feeds: Feeds
  }
}

/** The endless uploads that are under way, one for each camera at most. */
export interface Feeds {
  /** How many there are. */
  readonly count: number
  /** Detections that could not be stored and are tried again. */
  readonly unstored: UnstoredDetections
  /**
   * Reads a request's body to its end as a feed of the camera that sends it, in the place of the one before. Rejects with
   * FeedInvalid, FeedReplaced, UploadBrokenOff, a storage error where a detection is not on disk, or as it was ended.
   */
  run (request: FastifyRequest, camera: LiveCamera, defaults: PartHeaders): Promise<FeedCounts>
}

/** A feed with its connection. */
interface Running { readonly camera: LiveCamera, readonly key: string | undefined, end (error: Error): void }

/** How often detections are tried again that could not be stored. */
const RETRY_EVERY_MS = 1000

const UNSTORED = { maxBytes: 64 * 1024 * 1024, maxPerCamera: 500, maxAgeMs: 10 * 60_000 }

/** Reads endless uploads, and ends them when their key no longer opens the camera or the server closes. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const running = new Map<string, Running>()
  const unstored = new UnstoredDetections({
    ...UNSTORED,
    clock: app.clock,
    onLost: ({ cameraId, detections, error: err }) => { app.log.error({ err, cameraId, detections }, 'detections of a feed are lost: they could not be stored') }
  })

  function toFrame (camera: LiveCamera, memory: FrameMemory, headers: PartHeaders) {
    const named = headers['x-camera-id']
    if (named !== undefined && named !== camera.id) throw new CameraMismatch()
    return app.toFrame(memory, app.readFrameReport(headers))
  }

  function makeFeed (request: FastifyRequest, camera: LiveCamera, defaults: PartHeaders): Feed {
    let isFirst = true
    return new Feed({
      camera,
      defaults,
      unstored,
      maxFrameBytes: config.maxFrameBytes,
      toFrame: (memory, headers) => toFrame(camera, memory, headers),
      takeToken: () => app.takeUploadToken(camera),
      onRefused: (code, problem) => {
        app.noteRefusal(request, 'frame', code)
        if (isFirst) request.log.info({ cameraId: camera.id, code, problem }, 'a part of a feed was skipped, the first of this feed')
        isFirst = false
      }
    })
  }

  async function run (request: FastifyRequest, camera: LiveCamera, defaults: PartHeaders): Promise<FeedCounts> {
    running.get(camera.id)?.end(new FeedReplaced())
    const feed = makeFeed(request, camera, defaults)
    const key = request.headers['x-camera-auth']
    let end: Running['end'] = () => {}
    const ended = new Promise<never>((_resolve, reject) => { end = reject })
    const self: Running = { camera, key: typeof key === 'string' && app.cameras.byKey(key) === camera ? key : undefined, end }
    running.set(camera.id, self)
    // Node keeps the address once it was asked for; when the connection has gone it is too late.
    request.log.info({ cameraId: camera.id, address: request.ip }, 'a feed began')
    try {
      await read(request, feed, ended)
      const error = await storedInTheEnd(feed)
      if (error !== undefined) throw error
      if (feed.counts.received + feed.counts.refused === 0) throw new FeedInvalid('Its body ended before any part was whole.')
      return feed.counts
    } finally {
      if (running.get(camera.id) === self) running.delete(camera.id)
      request.log.info({ cameraId: camera.id, ...feed.counts }, 'a feed ended')
    }
  }

  /** The answer says that all is stored, so it is tried once more before it says that it is not. */
  async function storedInTheEnd (feed: Feed): Promise<unknown> {
    if (await feed.stored() === undefined) return undefined
    await unstored.retry()
    return await feed.stored()
  }

  /** A key may have been revoked, or a camera switched off or removed. */
  app.cameras.onChange(cameraId => {
    const feed = running.get(cameraId)
    if (feed === undefined) return
    if (app.cameras.get(cameraId) !== feed.camera || (feed.key !== undefined && app.cameras.byKey(feed.key) !== feed.camera)) feed.end(new PasswordWrong())
    else if (!feed.camera.isOn) feed.end(new CameraDisabled(cameraId))
  })

  const timer = setInterval(() => { if (unstored.count > 0) void unstored.retry() }, RETRY_EVERY_MS)
  timer.unref()

  app.decorate('feeds', {
    get count () { return running.size },
    unstored,
    run
  })
  app.addHook('preClose', async () => {
    for (const { end } of running.values()) end(new ShuttingDown())
  })
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await unstored.retry()
    unstored.close()
  })
}, { name: 'feeds', dependencies: ['clock', 'cameras', 'camera-auth', 'refusals', 'frame-intake'] })

/**
 * Reads the body into the feed until it ends, which settles, or must end, which rejects. Nothing is read while the feed
 * waits.
 */
async function read ({ raw }: FastifyRequest, feed: Feed, ended: Promise<never>): Promise<void> {
  if (raw.destroyed) throw new UploadBrokenOff() // Nothing more would be heard of it.
  markEndless(raw.socket)
  let timer: NodeJS.Timeout | undefined
  let hasEnded = false
  let onData: (chunk: Buffer) => void = () => {}
  let onEnd = (): void => {}
  let onError = (): void => {}
  const finished = new Promise<void>((resolve, reject) => {
    const act = (action: () => void): void => {
      try {
        action()
      } catch (error) {
        reject(error instanceof HopelessStream ? new FeedInvalid(error.message) : error)
      }
    }
    const wait = (): void => {
      if (feed.waitMs > 0) {
        raw.pause()
        timer ??= setTimeout(() => {
          timer = undefined
          act(() => { feed.resume() })
          wait()
        }, feed.waitMs)
      } else if (hasEnded) {
        resolve()
      } else if (raw.isPaused()) {
        raw.resume()
      }
    }
    onData = chunk => {
      act(() => { feed.push(chunk) })
      wait()
    }
    onEnd = () => {
      hasEnded = true
      feed.end()
      wait()
    }
    onError = () => {
      if (hasEnded) return
      feed.end()
      reject(new UploadBrokenOff())
    }
  })
  raw.on('data', onData).on('end', onEnd).on('error', onError).on('close', onError)
  try {
    await Promise.race([finished, ended])
  } finally {
    raw.off('data', onData).off('end', onEnd).off('error', onError).off('close', onError)
    clearTimeout(timer)
    feed.stop()
  }
}
