import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { CheckpointPoster } from '../outbound/checkpoint-post.js'
import { OutboundGuard } from '../outbound/guard.js'
import { Backoff } from '../sources/backoff.js'
import { Checkpoints } from '../store/checkpoints.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The signed heads of the ledger that are kept. */
    checkpoints: Checkpoints
  }
}

const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 5 * 60_000

/** Keeps signed heads of the ledger, logs them, and posts them to another machine. To be registered before all that writes to the ledger. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const checkpoints = await Checkpoints.open(app.sql, {
    every: config.checkpointEvery,
    onKept: checkpoint => {
      app.log.info({ checkpoint }, 'a checkpoint of the ledger was signed: keep it outside this machine')
      poster?.wake()
    },
    onFailed: err => { app.log.error({ err }, 'a checkpoint of the ledger could not be kept') }
  })
  const poster = config.checkpointUrl === undefined ? undefined : posterTo(config.checkpointUrl)

  function posterTo (url: URL): CheckpointPoster {
    return new CheckpointPoster({
      url,
      guard: new OutboundGuard(config.outboundAllow),
      next: async () => await checkpoints.unposted(),
      taken: async ({ sequence }) => { await checkpoints.setPosted(sequence, app.clock.nowMs()) },
      // Of the address only the host is in the errors: the rest may be secret.
      onFailed: err => { app.log.warn({ reason: String(err) }, 'a checkpoint could not be posted to CHECKPOINT_URL, it is tried again') },
      backoff: new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS)
    })
  }

  app.decorate('checkpoints', checkpoints)
  const timer = setInterval(() => { void checkpoints.keep() }, config.checkpointMinutes * 60_000).unref()
  app.addHook('onReady', async () => { poster?.wake() })
  // Behind all that was registered later, and so behind the last entry.
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await checkpoints.close()
    await poster?.close()
  })
}, { name: 'checkpoints', dependencies: ['clock', 'database'] })
