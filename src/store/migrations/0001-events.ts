/** Cameras and the oil-spill events that they reported. Comments stay in the schema, for readers of `.schema`. */
export const events = `
CREATE TABLE cameras (
  camera_id            TEXT PRIMARY KEY,
  stream_stopped_at_ms INTEGER            -- when an operator stopped its live picture; NULL while it may be watched
) STRICT;

INSERT INTO cameras (camera_id) VALUES ('default');

CREATE TABLE oil_spill_events (           -- one unbroken run of detections on one camera; all times are UTC
  id                  INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice
  camera_id           TEXT NOT NULL REFERENCES cameras (camera_id),
  started_at          TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', started_at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  last_detected_at    TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', last_detected_at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  ended_at            TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', ended_at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  frame_path          TEXT NOT NULL UNIQUE,               -- the opening frame, below the data folder
  frame_sha256        TEXT NOT NULL CHECK (length(frame_sha256) = 64),
  frame_size_bytes    INTEGER NOT NULL CHECK (frame_size_bytes > 0),
  frame_width         INTEGER NOT NULL CHECK (frame_width > 0),
  frame_height        INTEGER NOT NULL CHECK (frame_height > 0),
  started_at_ms       INTEGER NOT NULL,                   -- when the opening frame was received, ms since 1970
  last_detected_at_ms INTEGER NOT NULL CHECK (last_detected_at_ms >= started_at_ms),
  ended_at_ms         INTEGER CHECK (ended_at_ms >= started_at_ms)  -- NULL while the event is open
) STRICT;

CREATE INDEX oil_spill_events_by_start ON oil_spill_events (started_at_ms, id);
CREATE UNIQUE INDEX one_open_event_per_camera ON oil_spill_events (camera_id) WHERE ended_at_ms IS NULL;

CREATE VIEW event_history AS              -- what an operator reads, oldest first
  SELECT id, camera_id, started_at, ended_at,
         round((ended_at_ms - started_at_ms) / 1000.0, 1) AS duration_seconds,
         CASE WHEN ended_at_ms IS NULL THEN 'open' ELSE 'ended' END AS state,
         frame_path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes
    FROM oil_spill_events
   ORDER BY started_at_ms, id;

CREATE VIEW open_events AS                -- spills that are being reported, or were when the camera fell silent
  SELECT id, camera_id, started_at, last_detected_at, frame_path
    FROM oil_spill_events
   WHERE ended_at_ms IS NULL
   ORDER BY started_at_ms, id;

CREATE VIEW events_per_day AS             -- by the UTC day on which they started
  SELECT date(started_at_ms / 1000, 'unixepoch') AS day, camera_id, count(*) AS events,
         round(sum(ended_at_ms - started_at_ms) / 1000.0, 1) AS total_seconds,
         round(max(ended_at_ms - started_at_ms) / 1000.0, 1) AS longest_seconds
    FROM oil_spill_events
   GROUP BY day, camera_id
   ORDER BY day, camera_id;
`
