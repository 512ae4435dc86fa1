import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import type { SignedHead } from '../core/checkpoint.js'
import { headStatement } from '../core/ledger.js'
import { StartupError } from '../errors.js'
import { payloadOf, type LedgerExtent } from './verify-ledger.js'
import type { OutsideCheckpoint, Verification } from './verify.js'

interface HeadRow { sequence: number, hash: string, at_ms: number, key_id: string, signature: string }

/** Public keys by their names. */
export type SignatureKeys = ReadonlyMap<string, KeyObject>

/**
 * The keys whose signatures count: those that were given, or else those that the ledger names.
 * @throws StartupError for a given one that is no Ed25519 key
 */
export function signatureKeys ({ database }: Verification, given: readonly string[] | undefined): SignatureKeys {
  const keys = new Map<string, KeyObject>()
  const pems = given ?? database.prepare<[], { payload: string }>('SELECT payload FROM ledger WHERE subject = \'server\' AND action = \'key.made\' ORDER BY sequence')
    .all().map(row => String(payloadOf(row)?.['public_key']))
  for (const pem of pems) {
    const key = keyOf(pem)
    if (key !== undefined) keys.set(keyIdOf(key), key)
    else if (given !== undefined) throw new StartupError('this is no Ed25519 public key in PEM')
  }
  return keys
}

/** Verifies the head and every checkpoint, those from outside too. Returns how many checkpoints. */
export function verifyHeads (verification: Verification, ledger: LedgerExtent, keys: SignatureKeys, outside: readonly OutsideCheckpoint[]): number {
  const { database, since, report } = verification
  const hashOf = database.prepare<[number], string>('SELECT hash FROM ledger WHERE sequence = ?').pluck()
  /** The last entry that a signature has shown to be the right one, and the first that one has shown not to be. */
  let [right, wrong] = [0, Number.MAX_SAFE_INTEGER]

  function verifySigned (name: string, head: SignedHead): void {
    const signature = signatureProblem(head, keys)
    const hash = hashOf.get(head.sequence)
    if (signature !== undefined) report(name, signature)
    // Where the key is not known, whoever removed it may have altered more.
    if (signature !== undefined && keys.has(head.keyId)) return
    if (hash === undefined) report(rowsName(ledger.sequence + 1, head.sequence), `missing: ${name} names row ${head.sequence}, but the ledger ends with row ${ledger.sequence}`)
    else if (hash === head.hash) right = signature === undefined ? Math.max(right, head.sequence) : right
    else if (head.sequence < wrong) {
      wrong = head.sequence
      report(rowsName(Math.min(right + 1, wrong), wrong), `replaced or moved, though rightly chained: row ${wrong} is not the one that ${name} names`)
    }
  }

  let count = 0
  const kept = database.prepare<[number], HeadRow>('SELECT sequence, hash, at_ms, key_id, signature FROM ledger_checkpoints WHERE sequence >= ? ORDER BY sequence')
  for (const row of kept.iterate(since <= 1 ? Number.MIN_SAFE_INTEGER : since)) {
    verifySigned(`checkpoint ${row.sequence}`, headOf(row))
    count += 1
  }
  for (const { name, head } of outside) verifySigned(name, head)
  const head = database.prepare<[], HeadRow>('SELECT sequence, hash, at_ms, key_id, signature FROM ledger_head').get()
  if (head === undefined) report('ledger head', 'is missing')
  else {
    verifySigned('ledger head', headOf(head))
    if (head.sequence < ledger.sequence && signatureProblem(headOf(head), keys) === undefined) {
      report(rowsName(head.sequence + 1, ledger.sequence), `behind the signed head, which is row ${head.sequence}: something else has written here`)
    }
  }
  return count + outside.length
}

function rowsName (first: number, last: number): string {
  return first === last ? `ledger row ${last}` : `ledger rows ${first} to ${last}`
}

function signatureProblem (head: SignedHead, keys: SignatureKeys): string | undefined {
  const key = keys.get(head.keyId)
  if (key === undefined) return `it is signed with the key ${head.keyId}, which is not known`
  const signature = Buffer.from(head.signature, 'base64')
  // Decoders of Base64 overlook much: another text with the same bytes is another text.
  const isPlain = signature.toString('base64') === head.signature
  return isPlain && verify(null, Buffer.from(headStatement(head)), key, signature) ? undefined : 'its signature is not right'
}

function headOf ({ sequence, hash, at_ms: atMs, key_id: keyId, signature }: HeadRow) {
  return { sequence, hash, atMs, keyId, signature }
}

function keyOf (pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

function keyIdOf (key: KeyObject): string {
  return createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16)
}
