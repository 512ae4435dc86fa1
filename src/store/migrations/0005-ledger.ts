import type { Connection } from '../database.js'
import { ledgerStatements } from '../ledger-statements.js'

const TABLES = `
CREATE TABLE ledger (                     -- all that happened to events and evidence, each row chained to the one before
  sequence      INTEGER PRIMARY KEY,      -- 1, 2, 3 without gaps
  at            TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  at_ms         INTEGER NOT NULL,         -- UTC, by the server's clock
  actor         TEXT NOT NULL,            -- camera:<id>, user:<name>, server or command
  action        TEXT NOT NULL,            -- such as event.opened
  subject       TEXT NOT NULL,            -- event:<id>, camera:<id>, user:<name> or server
  payload       TEXT NOT NULL,            -- canonical JSON (RFC 8785)
  salt          TEXT NOT NULL CHECK (length(salt) = 32),  -- random, so that nobody can guess what a withheld row says
  previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
  hash          TEXT NOT NULL CHECK (length(hash) = 64)  -- SHA-256 of {content_hash, previous_hash, sequence}, content_hash that
                                                         -- of {action, actor, at_ms, payload, salt, subject}, as canonical JSON
) STRICT;

CREATE INDEX ledger_by_subject ON ledger (subject, sequence);
CREATE INDEX ledger_keys_and_breaks ON ledger (action, sequence) WHERE action = 'key.made' OR action = 'ledger.broken';  -- few of very many

CREATE TRIGGER ledger_rows_are_not_changed BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_rows_are_not_deleted BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_a_chain BEFORE INSERT ON ledger
  WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM ledger)
    OR NEW.previous_hash IS NOT coalesce((SELECT hash FROM ledger ORDER BY sequence DESC LIMIT 1), '${'0'.repeat(64)}')
  BEGIN SELECT RAISE(ABORT, 'a ledger row must follow the last one'); END;

CREATE TABLE ledger_head (                -- one row: how far the ledger goes, signed, so that rows missing at its end show
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  sequence  INTEGER NOT NULL,
  hash      TEXT NOT NULL,
  at_ms     INTEGER NOT NULL,
  key_id    TEXT NOT NULL,                -- the key is in the ledger, in the payload of an entry key.made
  signature TEXT NOT NULL                 -- Ed25519, in Base64
) STRICT;

CREATE TABLE ledger_checkpoints (         -- signed heads that were kept
  sequence  INTEGER PRIMARY KEY,
  hash      TEXT NOT NULL,
  at_ms     INTEGER NOT NULL,
  key_id    TEXT NOT NULL,
  signature TEXT NOT NULL,
  posted_at_ms INTEGER                    -- when CHECKPOINT_URL took it
) STRICT;

CREATE INDEX ledger_checkpoints_by_posting ON ledger_checkpoints (posted_at_ms, sequence);
`

interface OlderEvent {
  id: number,
  camera_id: string,
  started_at_ms: number,
  last_detected_at_ms: number,
  ended_at_ms: number | null,
  merged_into: number | null,
  frame_path: string,
  frame_sha256: string,
  frame_size_bytes: number,
  evidence_state: string
}

/** The ledger. Events that are older than it are taken up as they are: what happened to them before is not proved. */
export function ledger (database: Connection): void {
  database.exec(TABLES)
  const { append } = ledgerStatements(database)
  const events = database.prepare<[], OlderEvent>(`
    SELECT id, camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, merged_into, frame_path, frame_sha256, frame_size_bytes, evidence_state
      FROM oil_spill_events ORDER BY id`)
  for (const { id, ...event } of events.all()) append({ actor: 'server', action: 'event.adopted', subject: `event:${id}`, payload: { event } })
}
