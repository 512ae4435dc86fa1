import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Config } from './config.js'
import { systemClock, type Clock } from './core/clock.js'
import { loggerOptions, QuietLogController } from './log.js'
import access from './plugins/access.js'
import auditPlugin from './plugins/audit.js'
import bundles from './plugins/bundles.js'
import cameraAuth from './plugins/camera-auth.js'
import cameraWatch from './plugins/camera-watch.js'
import camerasPlugin from './plugins/cameras.js'
import checkpoints from './plugins/checkpoints.js'
import clips from './plugins/clips.js'
import clipVideos from './plugins/clip-videos.js'
import clockPlugin from './plugins/clock.js'
import cors from './plugins/cors.js'
import dataCheck from './plugins/data-check.js'
import dataFolder from './plugins/data-folder.js'
import database from './plugins/database.js'
import datasetPlugin from './plugins/dataset.js'
import diskRoom from './plugins/disk-room.js'
import errors, { answerClientError, answerFrameworkError } from './plugins/errors.js'
import eventArchive from './plugins/event-archive.js'
import eventRepository from './plugins/event-repository.js'
import evidenceStore from './plugins/evidence-store.js'
import expectContinue from './plugins/expect-continue.js'
import feeds from './plugins/feeds.js'
import frameBuffer from './plugins/frame-buffer.js'
import frameIntake from './plugins/frame-intake.js'
import liveEventsPlugin from './plugins/live-events.js'
import liveStream from './plugins/live-stream.js'
import login from './plugins/login.js'
import notFound from './plugins/not-found.js'
import openapi from './plugins/openapi.js'
import people from './plugins/people.js'
import rateLimits from './plugins/rate-limits.js'
import refusals from './plugins/refusals.js'
import retentionPlugin from './plugins/retention.js'
import serializers from './plugins/serializers.js'
import reviewsPlugin from './plugins/reviews.js'
import sessions from './plugins/sessions.js'
import shutdown from './plugins/shutdown.js'
import sources from './plugins/sources.js'
import thumbnails from './plugins/thumbnails.js'
import validation from './plugins/validation.js'
import audit from './routes/audit.js'
import bundle from './routes/bundle.js'
import cameras from './routes/cameras.js'
import clip from './routes/clip.js'
import dataset from './routes/dataset.js'
import detections from './routes/detections.js'
import { documentAccess } from './routes/documented.js'
import feed from './routes/feed.js'
import frame from './routes/frame.js'
import health from './routes/health.js'
import home from './routes/home.js'
import integrity from './routes/integrity.js'
import liveEvents from './routes/live-events.js'
import loginForm from './routes/login.js'
import me from './routes/me.js'
import oilSpillEvents from './routes/oil-spill-events.js'
import retention from './routes/retention.js'
import reviews from './routes/reviews.js'
import status from './routes/status.js'
import stream from './routes/stream.js'
import streamControl from './routes/stream-control.js'
import tokens from './routes/tokens.js'
import uploadFrame from './routes/upload-frame.js'
import users from './routes/users.js'
import viewers from './routes/viewers.js'
import type { EvidenceFiles } from './store/evidence-store.js'
import type { PasswordCost } from './store/password-hash.js'

/** What tests put in the place of the machine's own. */
export interface Overrides {
  readonly clock?: Clock
  readonly logger?: NonNullable<FastifyServerOptions['logger']>
  /** The file system under the evidence. */
  readonly files?: EvidenceFiles
  /** What a person's password costs to hash: a quarter of a second, but for tests. */
  readonly passwordCost?: PasswordCost
}

/** How long a request may take to arrive, headers and body: a large frame on a poor link takes its time. */
const REQUEST_TIMEOUT_MS = 120_000

/** Twice as many as where nothing is said: a hundred boxes with long numbers and labels fit. */
const MAX_HEADER_BYTES = 32 * 1024

/** Smaller than the request's, or Node applies neither. */
const HEADERS_TIMEOUT_MS = 20_000

/** How long a connection may take no byte of its answer, or send none of its request. Live streams are exempt. */
const STALL_TIMEOUT_MS = 60_000

/** Short, so that a shutdown does not wait for cameras that keep their connection. */
const KEEP_ALIVE_TIMEOUT_MS = 5000

/**
 * Puts the server together: the one ordered list of its plugins and routes. It does not listen yet.
 * @throws StartupError with one line that says what to do, where the data folder cannot be used
 */
export async function buildApp (config: Config, overrides: Overrides = {}): Promise<FastifyInstance> {
  const app = Fastify({
    logger: overrides.logger ?? loggerOptions(config.logLevel, process.stdout.isTTY),
    logController: new QuietLogController(),
    trustProxy: config.trustProxy,
    connectionTimeout: STALL_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false }, // the errors plugin asks for it
    pluginTimeout: 0, // Checking a large history may take a while.
    return503OnClosing: false, // The shutdown plugin does, with an error of the catalogue.
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFrameworkError
  })
  try {
    await app.register(clockPlugin, { clock: overrides.clock ?? systemClock })
    await app.register(errors)
    await app.register(notFound)
    await app.register(validation)
    await app.register(serializers)
    await app.register(cors)
    await app.register(shutdown)
    await app.register(rateLimits, { config })
    await app.register(expectContinue)
    await app.register(refusals)
    await app.register(dataFolder, { config })
    await app.register(database)
    await app.register(checkpoints, { config })
    await app.register(auditPlugin)
    await app.register(people, { config, cost: overrides.passwordCost })
    await app.register(login, { config })
    await app.register(sessions)
    await app.register(access, { config })
    await app.register(eventRepository)
    await app.register(reviewsPlugin)
    await app.register(evidenceStore, { files: overrides.files })
    await app.register(diskRoom, { config, files: overrides.files })
    await app.register(clips, { config, files: overrides.files })
    await app.register(datasetPlugin)
    await app.register(dataCheck, { files: overrides.files })
    await app.register(eventArchive)
    await app.register(retentionPlugin, { config, files: overrides.files })
    await app.register(liveEventsPlugin, { config })
    await app.register(thumbnails)
    await app.register(clipVideos)
    await app.register(bundles)
    await app.register(frameBuffer)
    await app.register(camerasPlugin, { config })
    await app.register(cameraAuth, { config })
    await app.register(cameraWatch)
    await app.register(liveStream, { config })
    await app.register(frameIntake, { config })
    await app.register(feeds, { config })
    await app.register(sources, { config })
    await app.register(openapi, { transform: documentAccess(config.viewerAccess) })

    await app.register(home)
    await app.register(health)
    await app.register(loginForm)
    await app.register(me)
    await app.register(users)
    await app.register(tokens)
    await app.register(stream, { config })
    await app.register(frame)
    await app.register(status)
    await app.register(viewers)
    await app.register(cameras, { config })
    await app.register(oilSpillEvents)
    await app.register(liveEvents)
    await app.register(clip)
    await app.register(detections)
    await app.register(bundle)
    await app.register(reviews)
    await app.register(dataset)
    await app.register(audit)
    await app.register(integrity, { config })
    await app.register(retention)
    await app.register(uploadFrame, { config })
    await app.register(feed)
    await app.register(streamControl)
    await app.ready()
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}
