import { Type, type Static } from '@sinclair/typebox'
import { Datetime } from './text.js'

const KeyId = Type.String({ description: 'Names the key: the first 16 hexadecimal digits of the SHA-256 of its SPKI form in DER', pattern: '^[0-9a-f]{16}$', examples: ['3f8a1c0b9d7e6542'] })
const PublicKeyPem = Type.String({ description: 'Ed25519, SPKI as PEM', examples: ['-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n'] })

/** The signed statement that the ledger went up to an entry at a time. */
const head = {
  sequence: Type.Integer({ description: 'The number of the entry', examples: [1742] }),
  hash: Type.String({ description: 'Of that entry, and so of all before it', pattern: '^[0-9a-f]{64}$', examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] }),
  at: Datetime('When it was signed'),
  at_ms: Type.Integer({ description: 'The same in milliseconds since 1970', examples: [1687530622123] }),
  key_id: KeyId,
  statement: Type.String({ description: 'The text that is signed: canonical JSON (RFC 8785) of the above', examples: ['{"at_ms":1687530622123,"hash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","key_id":"3f8a1c0b9d7e6542","sequence":1742,"type":"videostream ledger head 1"}'] }),
  signature: Type.String({ description: 'Ed25519 (RFC 8032) over the UTF-8 bytes of the statement, in Base64' }),
  public_key: PublicKeyPem
}

/** How far the ledger goes and what proves it. */
export const Integrity = Type.Object({
  head: Type.Union([Type.Object(head), Type.Null()], { description: 'How far the ledger goes now; it is signed with each change' }),
  checkpoint: Type.Union([Type.Object(head), Type.Null()], { description: 'The newest head that was kept, logged and, where CHECKPOINT_URL is set, posted; null before the first' }),
  public_keys: Type.Array(Type.Object({
    key_id: KeyId,
    public_key: PublicKeyPem,
    since: Type.Integer({ description: 'The first entry that it signed' })
  }), { description: 'All keys that the ledger was signed with; the last one signs now' }),
  broken_at: Type.Union([Type.Integer(), Type.Null()], { description: 'The first entry that says that something else had written to the ledger or removed from it; null where there is none' }),
  posting: Type.Object({
    enabled: Type.Boolean({ description: 'Whether CHECKPOINT_URL is set' }),
    waiting: Type.Integer({ description: 'Checkpoints that no other machine has taken yet' }),
    last_taken_at: Type.Union([Datetime('When one was taken'), Type.Null()], { description: 'null before the first' })
  }, { description: 'Whether copies lie outside this machine' })
}, { $id: 'Integrity', description: 'How far the ledger goes and what proves it' })

/** How far the ledger goes and what proves it. */
export type Integrity = Static<typeof Integrity>
