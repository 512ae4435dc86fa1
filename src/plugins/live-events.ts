import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { LiveFeed, type LiveClient } from '../core/live-feed.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** What happens to events and cameras, for those who want to be told. */
    liveFeed: LiveFeed
  }
}

/** Entries of the ledger that are read in one go. */
const PAGE_SIZE = 200

/** How often clients are shown that their connection lives: proxies cut those on which nothing comes for a minute. */
const BEAT_MS = 15_000

/** How often it is looked at how storing goes. */
const STORAGE_CHECK_MS = 1000

/** Clients that are told in one turn of the event loop. */
const SLICE = 50

/** How long clients may take what is on its way when the server closes. */
const CLOSING_GRACE_MS = 300

/** Tells clients what the ledger says as soon as it is committed, and lets them go before the server closes. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const { sql } = app
  const feed = new LiveFeed(await sql.ask('ledgerEnd'), config.maxViewers, async after => await sql.ask('liveEntries', after, PAGE_SIZE))
  app.decorate('liveFeed', feed)

  function tell (newest: number): void {
    if (feed.grow(newest)) each(client => { client.wake() })
  }

  /** In slices, so that many clients do not hold up the live picture. */
  function each (action: (client: LiveClient) => void, clients = [...feed.clients]): void {
    for (const client of clients.slice(0, SLICE)) action(client)
    if (clients.length > SLICE) setImmediate(() => { each(action, clients.slice(SLICE)) })
  }

  const stopListening = sql.onLedger(tell)
  const beating = setInterval(() => {
    each(client => { client.beat() })
    // The operator's commands write too, in a process of their own.
    if (feed.clients.size > 0) sql.ask('ledgerEnd').then(tell, (err: unknown) => { app.log.warn({ err }, 'the end of the ledger could not be read') })
  }, BEAT_MS)
  const watching = setInterval(() => {
    if (feed.noteStorage(app.eventArchive.health)) each(client => { client.wake() })
  }, STORAGE_CHECK_MS)
  beating.unref()
  watching.unref()
  app.addHook('preClose', async () => {
    stopListening()
    clearInterval(beating)
    clearInterval(watching)
    for (const client of feed.clients) client.finish()
    setTimeout(() => { for (const client of feed.clients) client.cut() }, CLOSING_GRACE_MS).unref()
  })
}, { name: 'live-events', dependencies: ['database', 'event-archive'] })
