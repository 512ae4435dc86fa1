/** What people say of events. */
export const reviews = `
CREATE TABLE reviews (                    -- every review of an event is kept; the newest one counts
  review_id   INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id    INTEGER NOT NULL REFERENCES oil_spill_events (id),
  at          TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  at_ms       INTEGER NOT NULL,
  reviewer    TEXT,                       -- the user's name; NULL where the server took the verdict back, since the event merged
  verdict     TEXT CHECK (verdict IN ('confirmed', 'false_positive', 'unsure')),  -- NULL where it was taken back
  look_alike  TEXT CHECK (look_alike IS NULL OR verdict IS 'false_positive'),     -- what it was
  oil_appearance_code INTEGER CHECK (oil_appearance_code BETWEEN 1 AND 5),        -- Bonn Agreement
  notes       TEXT NOT NULL DEFAULT '',
  CHECK ((reviewer IS NULL) = (verdict IS NULL))
) STRICT;

CREATE INDEX reviews_by_event ON reviews (event_id, review_id);

CREATE TABLE holds (                      -- every time an event was held or released; the newest one counts
  hold_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id    INTEGER NOT NULL REFERENCES oil_spill_events (id),
  at          TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  at_ms       INTEGER NOT NULL,
  username    TEXT,                       -- NULL where the server handed the hold on, since the event merged
  held        INTEGER NOT NULL CHECK (held IN (0, 1)),  -- 0 for a release
  reason      TEXT NOT NULL
) STRICT;

CREATE INDEX holds_by_event ON holds (event_id, hold_id);

ALTER TABLE oil_spill_events ADD COLUMN verdict TEXT CHECK (verdict IN ('confirmed', 'false_positive', 'unsure'));  -- of the newest review; NULL before the first
ALTER TABLE oil_spill_events ADD COLUMN acknowledged_at_ms INTEGER;  -- when somebody first said: I have seen it
ALTER TABLE oil_spill_events ADD COLUMN acknowledged_by TEXT;
ALTER TABLE oil_spill_events ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1));  -- retention leaves its evidence alone
`
