import type { SignedHead } from '../core/checkpoint.js'
import type { Connection } from './database.js'

/** A signed head with the public key that it can be checked with. */
export interface KeyedHead extends SignedHead {
  /** SPKI as PEM; empty where the ledger does not have it. */
  readonly publicKey: string
}

/** A public key that the ledger was signed with. */
export interface PublicKey {
  readonly keyId: string
  /** SPKI as PEM. */
  readonly publicKey: string
  /** The first entry that it signed. */
  readonly since: number
}

/** How far the ledger goes and what proves it. */
export interface Integrity {
  readonly keys: readonly PublicKey[]
  readonly head: KeyedHead | undefined
  readonly checkpoint: KeyedHead | undefined
  /** The first entry that says that something else has written to the ledger; undefined where there is none. */
  readonly brokenAt: number | undefined
  /** Checkpoints that have not been posted. */
  readonly waiting: number
  readonly lastPostedAtMs: number | null
}

const HEAD = `sequence, hash, at_ms AS atMs, key_id AS keyId, signature,
  coalesce((SELECT payload ->> 'public_key' FROM ledger
             WHERE subject = 'server' AND action = 'key.made' AND payload ->> 'key_id' = key_id ORDER BY sequence DESC LIMIT 1), '') AS publicKey`

/** Every statement on signed heads that are kept, prepared once. */
export function checkpointQueries (database: Connection) {
  // Only a head that names an entry: one that something else has altered proves nothing.
  const keep = database.prepare(`
    INSERT OR IGNORE INTO ledger_checkpoints (sequence, hash, at_ms, key_id, signature)
    SELECT head.sequence, head.hash, head.at_ms, head.key_id, head.signature FROM ledger_head AS head JOIN ledger USING (sequence, hash)`)
  const head = database.prepare<[], KeyedHead>(`SELECT ${HEAD} FROM ledger_head`)
  const newest = database.prepare<[], KeyedHead>(`SELECT ${HEAD} FROM ledger_checkpoints ORDER BY sequence DESC LIMIT 1`)
  const unposted = database.prepare<[], KeyedHead>(`SELECT ${HEAD} FROM ledger_checkpoints WHERE posted_at_ms IS NULL ORDER BY sequence LIMIT 1`)
  const setPosted = database.prepare<[number, number]>('UPDATE ledger_checkpoints SET posted_at_ms = ? WHERE sequence = ?')
  const posting = database.prepare<[], Pick<Integrity, 'waiting' | 'lastPostedAtMs'>>(
    `SELECT (SELECT count(*) FROM ledger_checkpoints WHERE posted_at_ms IS NULL) AS waiting,
            (SELECT max(posted_at_ms) FROM ledger_checkpoints) AS lastPostedAtMs`)
  const keys = database.prepare<[], PublicKey>(`
    SELECT payload ->> 'key_id' AS keyId, payload ->> 'public_key' AS publicKey, sequence AS since FROM ledger
     WHERE subject = 'server' AND action = 'key.made' ORDER BY sequence`)
  const broken = database.prepare<[], number>(
    'SELECT sequence FROM ledger WHERE subject = \'server\' AND action = \'ledger.broken\' ORDER BY sequence LIMIT 1').pluck()

  return {
    /** Keeps the newest head as a checkpoint. Returns it; undefined where the ledger has not grown since the last one. */
    keepCheckpoint (): KeyedHead | undefined { return keep.run().changes === 0 ? undefined : newest.get() },
    newestCheckpoint (): KeyedHead | undefined { return newest.get() },
    /** The oldest one that was not taken yet. */
    unpostedCheckpoint (): KeyedHead | undefined { return unposted.get() },
    setCheckpointPosted (sequence: number, atMs: number): void { setPosted.run(atMs, sequence) },
    integrity (): Integrity {
      const { waiting = 0, lastPostedAtMs = null } = posting.get() ?? {}
      return { keys: keys.all(), head: head.get(), checkpoint: newest.get(), brokenAt: broken.get(), waiting, lastPostedAtMs }
    }
  }
}

/** Those of them that change something. */
export const WRITING_CHECKPOINT_QUERIES: ReadonlyArray<keyof ReturnType<typeof checkpointQueries>> = ['keepCheckpoint', 'setCheckpointPosted']
