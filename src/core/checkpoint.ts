import { headStatement, type LedgerHead } from './ledger.js'

/** A head with its signature. */
export interface SignedHead extends LedgerHead {
  /** Ed25519 over the head's statement, in Base64. */
  readonly signature: string
}

/** A signed head as it leaves the machine: all that somebody needs to check it, who trusts the key. */
export interface CheckpointDocument {
  readonly type: 'videostream checkpoint 1'
  readonly sequence: number
  readonly hash: string
  readonly at_ms: number
  readonly key_id: string
  /** The text that is signed, which says the above again. */
  readonly statement: string
  readonly signature: string
  /** SPKI as PEM. */
  readonly public_key: string
}

/** Writes a signed head down for others. */
export function checkpointDocument (head: SignedHead, publicKey: string): CheckpointDocument {
  return {
    type: 'videostream checkpoint 1',
    sequence: head.sequence,
    hash: head.hash,
    at_ms: head.atMs,
    key_id: head.keyId,
    statement: headStatement(head),
    signature: head.signature,
    public_key: publicKey
  }
}
