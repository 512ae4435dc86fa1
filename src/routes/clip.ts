import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StoredClipFrame } from '../core/clip.js'
import type { OilSpillEvent } from '../core/event.js'
import { dialectOf, STREAM_CONTENT_TYPE } from '../core/mjpeg.js'
import { formatDatetime, formatEpochSeconds } from '../core/time-format.js'
import {
  ClipFrameNotFound, ClipNotFound, EventNotFound, EvidenceAltered, EvidenceDeleted, EvidenceMissing, EvidenceNotKept, HistoryUnavailable, ReadRateExceeded,
  ReadsBusy, RequestInvalid, ThumbnailNotPossible, VideoNotPossible, VideosBusy
} from '../errors.js'
import { ClipFrame, ClipFrameParams, ClipFrameQuery, ClipQuery } from '../schemas/clip.js'
import { ConditionalHeaders, frameHeaders, Jpeg } from '../schemas/jpeg.js'
import { EventParams } from '../schemas/oil-spill-event.js'
import { begun } from './begun.js'
import { ClipDownload, ClipReplay, type UnreadFrame } from './clip-streams.js'
import { isUnchanged } from './conditional.js'
import { content, errorResponses, ref } from './documented.js'
import { evidenceReads } from './evidence-reads.js'
import { JsonArrayStream } from './json-array-stream.js'

/** Of one clip: the one that is on its way, the one behind it, and the one that is being read. */
const FRAMES_IN_MEMORY = 3

/** A video is made within some seconds. */
const BUSY_RETRY_AFTER_SECONDS = 5

const Binary = (description: string) => Type.Unsafe<Readable>({ type: 'string', format: 'binary', description })
const Frames = Type.Unsafe<Readable>(Type.Array(ref(ClipFrame)))
const samplePath = 'oil_spill_frames/oil_spill_20230623_143022.mjpeg'
const notFound = [new RequestInvalid('params/id Expected integer'), new EventNotFound(1), new EvidenceDeleted(1, '2023-07-23', 'age')]
const unreadable = [new ReadRateExceeded(), new EvidenceMissing(samplePath), new EvidenceAltered(samplePath), new ReadsBusy(), new HistoryUnavailable('SQLITE_BUSY')]

/** The clips of events, their frames, and the thumbnails of opening frames. */
export default (async app => {
  const { hold, refuseDeleted } = evidenceReads(app)
  const open = new Set<Readable>()
  // They may take as long as the event did.
  app.addHook('preClose', async () => { for (const stream of open) stream.destroy() })

  app.get('/api/oil_spill_events/:id/clip', {
    exposeHeadRoute: false,
    config: { access: 'public' },
    schema: {
      operationId: 'watchClip',
      tags: ['data'],
      summary: 'Replay the clip of an oil-spill event, or download it',
      description: 'As MJPEG at the pace at which its frames were taken, in the order of their times; where the camera was silent no picture stands for more than 10 s. ' +
        'With `download` the file itself, byte for byte: JPEGs one behind the other, as ffmpeg and VLC play them (the clips of a merged event one behind the other). ' +
        'With `format=mp4` a video with the times of its frames, made by ffmpeg where the server has it. Each frame is compared with its SHA-256 before it is sent.',
      params: EventParams,
      querystring: ClipQuery,
      headers: ConditionalHeaders,
      response: {
        200: {
          description: 'The clip so far',
          headers: { 'Content-Disposition': Type.String({ description: 'With download', examples: ['attachment; filename="oil_spill_20230623_143022.mjpeg"'] }), ETag: Type.String({ description: 'With download, of a clip that is closed: its SHA-256' }) },
          content: {
            'multipart/x-mixed-replace; boundary=frame': { schema: Binary('One JPEG a part') },
            'video/x-motion-jpeg': { schema: Binary('JPEGs one behind the other') },
            'video/mp4': { schema: Binary('Fragmented MP4') }
          }
        },
        304: { description: 'If-None-Match names it', type: 'null' },
        ...errorResponses(...notFound, new ClipNotFound(1), ...unreadable, new VideoNotPossible(), new VideosBusy())
      }
    }
  }, async (request, reply) => {
    const { id } = request.params
    const { format, download, speed = 1 } = request.query
    const event = await find(id)
    const clips = await app.clipRepository.ofEvent(id)
    const [clip, ...more] = clips.filter(({ frames }) => frames > 0)
    if (clip === undefined) throw new ClipNotFound(id)
    if (download !== undefined) void reply.header('content-disposition', `attachment; filename="${nameOf(event)}.${format ?? 'mjpeg'}"`)
    if (format !== 'mp4' && download !== undefined && more.length === 0 && clip.sha256 !== null) {
      void reply.header('etag', `"${clip.sha256}"`).header('cache-control', 'no-cache')
      if (isUnchanged(request, reply)) return await reply.code(304).send()
    }
    hold(Math.max(...clips.map(each => each.maxFrameBytes)) * FRAMES_IN_MEMORY, reply)
    if (format === 'mp4') return await sendVideo(id, reply)
    if (download === undefined) return await sendReplay(id, speed, request, reply)
    const frames = await begun(firstRead(unread(id, 'place')))
    void reply.header('content-length', [clip, ...more].reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0))
    return await reply.type('video/x-motion-jpeg').send(tracked(new ClipDownload(frames)))
  })

  app.get('/api/oil_spill_events/:id/frames', {
    config: { access: 'public' },
    schema: {
      operationId: 'listClipFrames',
      tags: ['data'],
      summary: 'List the frames of the clip of an oil-spill event, as they lie in the file',
      params: EventParams,
      response: {
        200: content('application/json', Frames, { description: 'The index of the clip; empty where there is none' }),
        ...errorResponses(new RequestInvalid('params/id Expected integer'), new EventNotFound(1), new ReadRateExceeded(), new HistoryUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const { id } = request.params
    if (await app.eventRepository.find(id) === undefined) throw new EventNotFound(id)
    const serialize = reply.compileSerializationSchema(ClipFrame)
    return await reply.type('application/json; charset=utf-8')
      .send(new JsonArrayStream(app.clipRepository.framePages(id, 'place'), frame => serialize(toJson(id, frame))))
  })

  app.get('/api/oil_spill_events/:id/frames/:n', {
    config: { access: 'public' },
    schema: {
      operationId: 'getClipFrame',
      tags: ['data'],
      summary: 'Get one frame of the clip of an oil-spill event',
      description: 'Byte for byte as the camera sent it. It is compared with its SHA-256 before it is shown.',
      params: ClipFrameParams,
      querystring: ClipFrameQuery,
      headers: ConditionalHeaders,
      response: {
        200: content('image/jpeg', Jpeg, { description: 'The frame', headers: frameHeaders }),
        304: { description: 'If-None-Match names it', type: 'null', headers: frameHeaders },
        ...errorResponses(...notFound, new ClipFrameNotFound(1, 11), ...unreadable)
      }
    }
  }, async (request, reply) => {
    const { id, n } = request.params
    await find(id)
    const clips = await app.clipRepository.ofEvent(id)
    const clip = clips.find(({ clipId }) => request.query.clip === undefined || clipId === request.query.clip)
    const frame = clip === undefined ? undefined : await app.clipRepository.frame(clip.clipId, n)
    if (frame === undefined) throw new ClipFrameNotFound(id, n)
    reply.headers({
      etag: `"${frame.sha256}"`,
      'last-modified': new Date(frame.receivedAtMs).toUTCString(),
      'x-timestamp': formatEpochSeconds(frame.takenAtMs),
      'cache-control': 'no-cache'
    })
    if (isUnchanged(request, reply)) return await reply.code(304).send()
    hold(frame.sizeBytes, reply)
    return await reply.type('image/jpeg').send((await app.clipFiles.readFrame(frame)).jpeg)
  })

  app.get('/api/oil_spill_events/:id/thumbnail', {
    config: { access: 'public' },
    schema: {
      operationId: 'getThumbnail',
      tags: ['data'],
      summary: 'Get a small picture of the opening frame of an oil-spill event',
      description: 'At most 320 pixels wide. It is made of the evidence and is none itself.',
      params: EventParams,
      headers: ConditionalHeaders,
      response: {
        200: content('image/jpeg', Jpeg, { description: 'The thumbnail' }),
        304: { description: 'If-None-Match names it', type: 'null' },
        ...errorResponses(...notFound, new EvidenceNotKept(1), new ThumbnailNotPossible(1), ...unreadable)
      }
    }
  }, async (request, reply) => {
    const event = await find(request.params.id)
    if (event.evidenceState === 'missing') throw new EvidenceNotKept(event.id)
    if (await app.clipRepository.thumbnailState(event.id) === 'undecodable') throw new ThumbnailNotPossible(event.id)
    reply.headers({ etag: `"thumbnail-${event.evidence.sha256}"`, 'cache-control': 'no-cache' })
    if (isUnchanged(request, reply)) return await reply.code(304).send()
    hold(event.evidence.sizeBytes, reply)
    const thumbnail = await app.eventThumbnails.of(event)
    if (thumbnail === 'undecodable') throw new ThumbnailNotPossible(event.id)
    if (thumbnail === 'busy') {
      void reply.header('retry-after', BUSY_RETRY_AFTER_SECONDS)
      throw new ReadsBusy()
    }
    return await reply.type('image/jpeg').send(thumbnail)
  })

  async function sendReplay (id: number, speed: number, { headers }: FastifyRequest, reply: FastifyReply) {
    const replay = new ClipReplay(await begun(firstRead(unread(id, 'time'))), { dialect: dialectOf(headers['user-agent']), speed, monotonicMs: () => app.clock.monotonicMs() })
    return await reply.type(STREAM_CONTENT_TYPE).headers({ 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }).send(tracked(replay))
  }

  async function sendVideo (id: number, reply: FastifyReply) {
    if (!await app.clipVideos.isPossible()) throw new VideoNotPossible()
    const video = app.clipVideos.make(videoFrames(id))
    if (video === undefined) {
      void reply.header('retry-after', BUSY_RETRY_AFTER_SECONDS)
      throw new VideosBusy()
    }
    return await reply.type('video/mp4').header('cache-control', 'no-store').send(tracked(video))
  }

  async function * videoFrames (id: number) {
    for await (const page of app.clipRepository.framePages(id, 'time')) {
      for (const frame of page) yield { ...frame, jpeg: (await app.clipFiles.readFrame(frame)).jpeg }
    }
  }

  async function * unread (id: number, order: 'time' | 'place'): AsyncGenerator<UnreadFrame, void> {
    for await (const page of app.clipRepository.framePages(id, order)) {
      for (const frame of page) yield { takenAtMs: frame.takenAtMs, read: async () => await app.clipFiles.readFrame(frame) }
    }
  }

  /** Ends with the server. */
  function tracked<Stream extends Readable> (stream: Stream): Stream {
    open.add(stream)
    stream.once('close', () => { open.delete(stream) })
    return stream
  }

  /** An event whose evidence was not deleted. */
  async function find (id: number): Promise<OilSpillEvent> {
    const event = await app.eventRepository.find(id)
    if (event === undefined) throw new EventNotFound(id)
    await refuseDeleted(event)
    return event
  }
}) satisfies FastifyPluginAsyncTypebox

/** The frames, of which the first comes with its bytes, so that a failure to read it can still become a status. */
async function * firstRead (frames: AsyncIterable<UnreadFrame>): AsyncGenerator<UnreadFrame, void> {
  let isFirst = true
  for await (const { takenAtMs, read } of frames) {
    if (isFirst) {
      const memory = await read()
      yield { takenAtMs, read: async () => memory }
    } else yield { takenAtMs, read }
    isFirst = false
  }
}

/** What a downloaded clip is called. */
function nameOf ({ evidence: { framePath } }: OilSpillEvent): string {
  return framePath.slice(framePath.lastIndexOf('/') + 1, -'.jpg'.length)
}

/** A frame as the API shows it. */
function toJson (eventId: number, frame: StoredClipFrame): ClipFrame {
  return {
    clip_id: frame.clipId,
    number: frame.number,
    path: frame.path,
    offset_bytes: frame.offsetBytes,
    size_bytes: frame.sizeBytes,
    sha256: frame.sha256,
    taken_at: formatDatetime(frame.takenAtMs),
    captured_at: frame.capturedAtMs === null ? null : formatDatetime(frame.capturedAtMs),
    received_at: formatDatetime(frame.receivedAtMs),
    role: frame.role,
    width: frame.width,
    height: frame.height,
    confidence: frame.confidence,
    boxes: frame.boxes === null ? null : frame.boxes.map(box => ({ ...box })),
    frame_url: `/api/oil_spill_events/${eventId}/frames/${frame.number}?clip=${frame.clipId}`
  }
}
