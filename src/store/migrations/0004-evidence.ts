/** The clips of events, and what became of their evidence. */
export const evidence = `
ALTER TABLE oil_spill_events ADD COLUMN evidence_state TEXT NOT NULL DEFAULT 'kept'
  CHECK (evidence_state IN ('kept', 'missing', 'deleted'));  -- missing: there was no room for it; deleted: by retention

CREATE TABLE clips (                      -- the frames of an event in one file, one JPEG behind the other; a merged event may have several
  clip_id      INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id     INTEGER NOT NULL REFERENCES oil_spill_events (id),
  path         TEXT NOT NULL UNIQUE,      -- below the data folder
  size_bytes   INTEGER NOT NULL CHECK (size_bytes >= 0),  -- as far as its frames are in the index; what lies behind is from a crash
  truncated    INTEGER NOT NULL DEFAULT 0 CHECK (truncated IN (0, 1)),  -- whether frames were left out for EVENT_CLIP_MAX_BYTES or a full disk
  sha256       TEXT CHECK (length(sha256) = 64),          -- of the whole file; NULL while it grows
  closed_at_ms INTEGER
) STRICT;

CREATE INDEX clips_by_event ON clips (event_id);
CREATE INDEX growing_clips ON clips (clip_id) WHERE closed_at_ms IS NULL;

CREATE TABLE clip_frames (                -- the index of a clip; all times are UTC
  clip_id        INTEGER NOT NULL REFERENCES clips (clip_id) ON DELETE CASCADE,
  number         INTEGER NOT NULL CHECK (number > 0),     -- 1, 2, 3 in the order of the file
  offset_bytes   INTEGER NOT NULL CHECK (offset_bytes >= 0),
  size_bytes     INTEGER NOT NULL CHECK (size_bytes > 0),
  sha256         TEXT NOT NULL CHECK (length(sha256) = 64),
  taken_at_ms    INTEGER NOT NULL,
  captured_at_ms INTEGER,                 -- on the camera's clock; NULL where it did not say
  received_at_ms INTEGER NOT NULL,
  role           TEXT NOT NULL CHECK (role IN ('pre', 'opening', 'during', 'peak', 'post')),  -- peak: where the detector was surest
  width          INTEGER NOT NULL CHECK (width > 0),
  height         INTEGER NOT NULL CHECK (height > 0),
  confidence     REAL CHECK (confidence BETWEEN 0 AND 1),
  boxes          TEXT,                    -- JSON, as in detections
  PRIMARY KEY (clip_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE garbage (                    -- files that are being deleted: first the row here, then the file, then the row goes
  path   TEXT PRIMARY KEY,                -- below the data folder
  sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`
