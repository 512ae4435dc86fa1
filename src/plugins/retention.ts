import fs from 'node:fs/promises'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { policyOf } from '../core/retention.js'
import type { EvidenceFiles } from '../store/evidence-store.js'
import { Garbage } from '../store/garbage.js'
import { Retention } from '../store/retention.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Deletes evidence as the settings say. */
    retention: Retention
    /** Deletes what has to go, and looks what evidence uses then. It is done by itself every half a minute. */
    lookAtEvidence (): Promise<void>
    /** What evidence used when it was last looked at. */
    evidenceUse: EvidenceUse
  }
}

/** What evidence uses, from memory. */
export interface EvidenceUse {
  /** Undefined before the first look. */
  readonly totalBytes: number | undefined
  /** The limit beyond which there is evidence of which none may be deleted; undefined for none. */
  readonly limitExceeded: 'total_bytes' | 'free_disk' | undefined
}

/** How often it is looked whether evidence has to go. */
const LOOK_EVERY_MS = 30_000

/** Deletes evidence in time, and finishes the deletions that a crash broke off. */
export default fp<{ config: Config, files?: EvidenceFiles | undefined }>(async (app, { config, files = fs }) => {
  const { sql, diskRoom: room, clock, log } = app
  const garbage = new Garbage(sql, app.dataFolder.path, files)
  const retention = new Retention({
    sql,
    garbage,
    room,
    clock,
    policy: policyOf(config),
    onUndeleted: (err, failed) => { log.error({ err, files: failed }, 'evidence could not be deleted: it is tried again') }
  })
  let use: EvidenceUse = { totalBytes: undefined, limitExceeded: undefined }
  let looking: Promise<void> | undefined

  async function look (): Promise<void> {
    try {
      const { events, bytes, limitExceeded } = await retention.run()
      const { totalBytes } = await retention.usage()
      if (events > 0) log.info({ events, bytes }, 'evidence was deleted')
      tellLimit(limitExceeded)
      use = { totalBytes, limitExceeded }
    } catch (err) {
      log.error({ err }, 'it could not be looked whether evidence has to be deleted')
    }
  }

  /** Once when it begins, and once when it is over. */
  function tellLimit (limitExceeded: EvidenceUse['limitExceeded']): void {
    if (limitExceeded === use.limitExceeded) return
    if (limitExceeded === undefined) log.info('evidence is within its limits again')
    else log.error({ limit: limitExceeded }, 'there is too much evidence, and none of it may be deleted: review or release events, make room, or raise the limit')
  }

  room.onShort(async bytes => await retention.makeRoom(bytes))
  app.decorate('retention', retention)
  app.decorate('evidenceUse', { getter: () => use })
  try {
    const { files: finished } = await garbage.collect()
    if (finished > 0) log.warn({ files: finished }, 'evidence was deleted whose deletion the last end of the server broke off')
  } catch (err) {
    log.error({ err }, 'deletions that the last end of the server broke off could not be finished: they are tried again')
  }
  const lookOnce = async (): Promise<void> => await (looking ??= look().finally(() => { looking = undefined }))
  app.decorate('lookAtEvidence', lookOnce)
  const timer = setInterval(() => { void lookOnce() }, LOOK_EVERY_MS)
  timer.unref()
  app.addHook('onReady', async () => { void lookOnce() })
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await retention.close()
    await looking
  })
}, { name: 'retention', dependencies: ['clock', 'data-folder', 'database', 'disk-room'] })
