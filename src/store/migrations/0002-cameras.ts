/** Many cameras with keys of their own, every detection of an event, events that turn out to be one, and who was silent when. */
export const cameras = `
ALTER TABLE cameras ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE cameras ADD COLUMN site TEXT;                     -- the rig, port or ship that it is on
ALTER TABLE cameras ADD COLUMN latitude REAL CHECK (latitude BETWEEN -90 AND 90);
ALTER TABLE cameras ADD COLUMN longitude REAL CHECK (longitude BETWEEN -180 AND 180);
ALTER TABLE cameras ADD COLUMN heading REAL CHECK (heading BETWEEN 0 AND 360);  -- degrees from true north
ALTER TABLE cameras ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1));
ALTER TABLE cameras ADD COLUMN source TEXT;                   -- where the server fetches its frames; NULL where it sends them
ALTER TABLE cameras ADD COLUMN source_fps REAL;               -- pictures a second that are fetched; NULL for the source's own rate
ALTER TABLE cameras ADD COLUMN created_at_ms INTEGER;         -- NULL for the default camera
ALTER TABLE cameras ADD COLUMN archived_at_ms INTEGER;        -- when it was removed; its history stays
ALTER TABLE cameras ADD COLUMN newest_taken_at_ms INTEGER;    -- when its newest frame was taken, known to a minute
ALTER TABLE cameras ADD COLUMN clock_skew_ms INTEGER;         -- how far its clock was behind then, the time on the way included

UPDATE cameras SET name = 'Default camera' WHERE camera_id = 'default';

CREATE TABLE camera_keys (                -- what opens a camera; the keys themselves are not kept
  key_id        TEXT PRIMARY KEY,
  camera_id     TEXT NOT NULL REFERENCES cameras (camera_id),
  key_sha256    TEXT NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE camera_connections (         -- when a camera fell silent, and when it was heard again
  id               INTEGER PRIMARY KEY,
  camera_id        TEXT NOT NULL REFERENCES cameras (camera_id),
  connection       TEXT NOT NULL CHECK (connection IN ('online', 'offline')),
  at               TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  last_frame_at    TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', last_frame_at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  at_ms            INTEGER NOT NULL,      -- when that was noticed
  last_frame_at_ms INTEGER                -- when its last frame before that was received, to a minute where that was before a start; NULL where it is not known
) STRICT;

INSERT INTO camera_connections (camera_id, connection, at_ms, last_frame_at_ms)  -- since their last event nothing is known of them
SELECT camera_id, 'offline', max(coalesce(ended_at_ms, last_detected_at_ms)), max(coalesce(ended_at_ms, last_detected_at_ms))
  FROM oil_spill_events GROUP BY camera_id;

CREATE INDEX camera_connections_by_camera ON camera_connections (camera_id, id);

ALTER TABLE oil_spill_events ADD COLUMN merged_into INTEGER REFERENCES oil_spill_events (id);  -- a late detection showed that both are one
ALTER TABLE oil_spill_events ADD COLUMN clear_before_ms INTEGER;  -- newest frame known before the start, without a spill
ALTER TABLE oil_spill_events ADD COLUMN clear_after_ms INTEGER;   -- first frame known after the last detection, without a spill

CREATE INDEX oil_spill_events_by_camera ON oil_spill_events (camera_id, started_at_ms, id);
CREATE INDEX merged_events ON oil_spill_events (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE detections (                 -- every frame that reported a spill; all times are UTC
  id              INTEGER PRIMARY KEY,
  event_id        INTEGER NOT NULL REFERENCES oil_spill_events (id),
  camera_id       TEXT NOT NULL,          -- its event's
  taken_at        TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', taken_at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  captured_at     TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', captured_at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  received_at     TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d %H:%M:%f', received_at_ms / 1000.0, 'unixepoch')) VIRTUAL,
  taken_at_ms     INTEGER NOT NULL,       -- its place in the order of frames: captured, but never after it was received
  captured_at_ms  INTEGER,                -- on the camera's clock; NULL where it did not say
  received_at_ms  INTEGER NOT NULL,
  clock_skew_ms   INTEGER,                -- how far the camera's clock is behind, the time on the way included
  frame_sequence  INTEGER,                -- the camera's own number
  idempotency_key TEXT,
  frame_path      TEXT UNIQUE,            -- where the frame is kept, below the data folder; NULL where it is not
  sha256          TEXT NOT NULL CHECK (length(sha256) = 64),
  size_bytes      INTEGER NOT NULL CHECK (size_bytes > 0),
  width           INTEGER NOT NULL CHECK (width > 0),
  height          INTEGER NOT NULL CHECK (height > 0),
  confidence      REAL CHECK (confidence BETWEEN 0 AND 1),
  boxes           TEXT,                   -- JSON: [{x, y, width, height, label, confidence}], relative to the picture
  model_version   TEXT,
  latitude        REAL,
  longitude       REAL,
  heading         REAL
) STRICT;

INSERT INTO detections (event_id, camera_id, taken_at_ms, received_at_ms, frame_path, sha256, size_bytes, width, height)
SELECT id, camera_id, started_at_ms, started_at_ms, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height
  FROM oil_spill_events;

CREATE INDEX detections_by_event ON detections (event_id, taken_at_ms);
CREATE INDEX detections_by_time ON detections (taken_at_ms, id);
CREATE UNIQUE INDEX detections_by_key ON detections (camera_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX detections_by_sequence ON detections (camera_id, frame_sequence, sha256) WHERE frame_sequence IS NOT NULL;

DROP VIEW event_history;
CREATE VIEW event_history AS              -- what an operator reads, oldest first
  SELECT id, camera_id, started_at, ended_at,
         round((ended_at_ms - started_at_ms) / 1000.0, 1) AS duration_seconds,
         CASE WHEN ended_at_ms IS NULL THEN 'open' ELSE 'ended' END AS state,
         frame_path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes,
         (SELECT count(*) FROM detections WHERE event_id = oil_spill_events.id) AS detections
    FROM oil_spill_events
   WHERE merged_into IS NULL
   ORDER BY started_at_ms, id;

DROP VIEW open_events;
CREATE VIEW open_events AS                -- spills that are being reported, or were when the camera fell silent
  SELECT id, camera_id, started_at, last_detected_at, frame_path
    FROM oil_spill_events
   WHERE ended_at_ms IS NULL
   ORDER BY +started_at_ms, id;           -- the plus keeps SQLite from reading all events in their order to find these few

DROP VIEW events_per_day;
CREATE VIEW events_per_day AS             -- by the UTC day on which they started
  SELECT date(started_at_ms / 1000, 'unixepoch') AS day, camera_id, count(*) AS events,
         round(sum(ended_at_ms - started_at_ms) / 1000.0, 1) AS total_seconds,
         round(max(ended_at_ms - started_at_ms) / 1000.0, 1) AS longest_seconds
    FROM oil_spill_events
   WHERE merged_into IS NULL
   GROUP BY day, camera_id
   ORDER BY day, camera_id;

CREATE VIEW detection_history AS          -- every frame that reported a spill, in the order in which they were taken
  SELECT event_id, camera_id, taken_at, captured_at, received_at,
         round(clock_skew_ms / 1000.0, 3) AS clock_skew_seconds,
         frame_sequence, confidence, model_version, latitude, longitude, heading, boxes, sha256, frame_path
    FROM detections
   ORDER BY taken_at_ms, id;

CREATE VIEW camera_outages AS             -- when each camera was silent; what the sea looked like then is not known
  SELECT camera_id, coalesce(last_frame_at, at) AS silent_from, back_at AS silent_until,
         round((back_at_ms - coalesce(last_frame_at_ms, at_ms)) / 1000.0, 1) AS duration_seconds
    FROM (SELECT *, lead(at) OVER of_camera AS back_at, lead(at_ms) OVER of_camera AS back_at_ms
            FROM camera_connections WINDOW of_camera AS (PARTITION BY camera_id ORDER BY id))
   WHERE connection = 'offline'
   ORDER BY silent_from, camera_id;
`
