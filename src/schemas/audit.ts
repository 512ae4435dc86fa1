import { Type, type Static } from '@sinclair/typebox'
import { Datetime } from './text.js'

/** Which entries of the ledger are listed. */
export const AuditQuery = Type.Object({
  action: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Only this action; with a dot at the end all that begin so', examples: ['event.reviewed'] })),
  actor: Type.Optional(Type.String({ minLength: 1, maxLength: 80, description: 'Only what this one did', examples: ['user:jane.doe'] })),
  subject: Type.Optional(Type.String({ minLength: 1, maxLength: 80, description: 'Only what was done to this', examples: ['event:7'] })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'So many at most; a header `Link` with `rel="next"` says where the next are. All of them where it is left out', examples: [100] })),
  cursor: Type.Optional(Type.String({ maxLength: 40, description: 'Where to go on: from the `Link` of the page before' }))
}, { additionalProperties: false })

/** An entry of the ledger. */
export const AuditEntry = Type.Object({
  sequence: Type.Integer({ description: '1, 2, 3 without gaps', examples: [4711] }),
  at: Datetime('When it was written'),
  actor: Type.String({ description: '`user:<name>`, `camera:<id>`, `server`, or `command` for the operator\'s commands', examples: ['user:jane.doe'] }),
  action: Type.String({ examples: ['event.reviewed'] }),
  subject: Type.String({ description: '`event:<id>`, `camera:<id>`, `user:<name>` or `server`', examples: ['event:7'] }),
  payload: Type.Record(Type.String(), Type.Unknown(), { description: 'What more there is to say; of an event, `event` is its row after it' }),
  hash: Type.String({ description: 'Of this entry and all before it', examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] })
}, { $id: 'AuditEntry', description: 'An entry of the ledger' })

/** An entry of the ledger. */
export type AuditEntry = Static<typeof AuditEntry>
