import { setTimeout as wait } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { Feed } from '../core/feed.js'
import type { LiveCamera } from '../core/live-camera.js'
import type { SourceReport } from '../core/source-report.js'
import { maskedSource } from '../core/source-url.js'
import { OutboundGuard } from '../outbound/guard.js'
import { pullSource } from '../sources/pull-source.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** How reading a camera's source goes; undefined for a camera without one, or one that is switched off. */
    sourceReport (cameraId: string): SourceReport | undefined
  }
}

/** A source that is being read. */
interface Running { readonly url: string, readonly fps: number | null, readonly stop: AbortController, report: SourceReport }

/** Fetches the frames of cameras that have a source, each for as long as its settings say so. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const guard = new OutboundGuard(config.outboundAllow)
  const running = new Map<string, Running>()
  const ending = new Set<Promise<void>>()

  function start (camera: LiveCamera, url: string, fps: number | null): Running {
    const log = app.log.child({ cameraId: camera.id, source: maskedSource(url) })
    const stop = new AbortController()
    const feed = new Feed({
      camera,
      maxFrameBytes: config.maxFrameBytes,
      defaults: {},
      toFrame: (memory, headers) => app.toFrame(memory, app.readFrameReport(headers)),
      takeToken: () => app.takeUploadToken(camera),
      unstored: app.feeds.unstored,
      onRefused: code => { app.noteRefusal({ ip: '', camera, log }, 'frame', code) }
    })
    const self: Running = { url, fps, stop, report: { state: 'connecting', reason: undefined } }
    const pulled = pullSource({
      url,
      guard,
      fps: fps ?? undefined,
      maxFrameBytes: config.maxFrameBytes,
      signal: stop.signal,
      onPart: part => {
        feed.take(part)
        if (feed.waitMs > 0) return untilTaken(feed, stop.signal)
      },
      onBadPart: () => { app.noteRefusal({ ip: '', camera, log }, 'frame', 'FRAME_INVALID') },
      onState: (state, reason) => {
        if (reason !== undefined && reason !== self.report.reason) log.warn({ reason }, 'a source cannot be read, it is tried again')
        if (state === 'receiving' && self.report.state !== state) log.info('a source is read')
        self.report = { state, reason: reason ?? (state === 'receiving' ? undefined : self.report.reason) }
      }
    }).catch((err: unknown) => {
      log.error({ err }, 'a source is not read any more')
      self.report = { state: 'waiting', reason: String(err) }
    }).finally(() => {
      feed.stop()
      ending.delete(pulled)
    })
    ending.add(pulled)
    return self
  }

  function reconcile (cameraId: string): void {
    const camera = app.cameras.get(cameraId)
    const wanted = camera?.isOn === true ? camera.settings.source : null
    const fps = camera?.settings.sourceFps ?? null
    const current = running.get(cameraId)
    if (current !== undefined && current.url === wanted && current.fps === fps) return
    current?.stop.abort()
    running.delete(cameraId)
    if (camera !== undefined && wanted !== null) running.set(cameraId, start(camera, wanted, fps))
  }

  app.decorate('sourceReport', (cameraId: string) => running.get(cameraId)?.report)
  app.cameras.onChange(reconcile)
  app.addHook('onReady', async () => { for (const { id } of app.cameras.all()) reconcile(id) })
  app.addHook('preClose', async () => {
    for (const { stop } of running.values()) stop.abort()
    await Promise.all(ending)
  })
}, { name: 'sources', dependencies: ['cameras', 'camera-auth', 'refusals', 'frame-intake', 'feeds'] })

/** Waits until the frames with a spill are taken that came too fast. */
async function untilTaken (feed: Feed, signal: AbortSignal): Promise<void> {
  while (feed.waitMs > 0 && !signal.aborted) {
    await wait(feed.waitMs, undefined, { signal }).catch(() => {})
    feed.resume()
  }
}
