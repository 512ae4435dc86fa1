/** What people read in the sqlite3 shell, Datasette and Grafana: their contract, described in docs/event-history.md. */
export const views = `
CREATE INDEX oil_spill_events_by_started_at ON oil_spill_events (started_at, id);  -- people ask for times as text

DROP VIEW event_history;
CREATE VIEW event_history AS              -- what an operator reads, oldest first
  SELECT id, camera_id, started_at, ended_at,
         round((ended_at_ms - started_at_ms) / 1000.0, 1) AS duration_seconds,
         CASE WHEN ended_at_ms IS NULL THEN 'open' ELSE 'ended' END AS state,
         frame_path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes,
         (SELECT count(*) FROM detections WHERE event_id = oil_spill_events.id) AS detections, peak_confidence,
         oil_spill_events.verdict, look_alike, oil_appearance_code, notes, reviews.at AS reviewed_at, reviewer AS reviewed_by,
         strftime('%Y-%m-%d %H:%M:%f', acknowledged_at_ms / 1000.0, 'unixepoch') AS acknowledged_at, acknowledged_by,
         held, evidence_state
    FROM oil_spill_events
    LEFT JOIN reviews ON oil_spill_events.verdict IS NOT NULL
                     AND review_id = (SELECT max(review_id) FROM reviews WHERE event_id = oil_spill_events.id)
   WHERE merged_into IS NULL
   ORDER BY started_at_ms, id;

DROP VIEW open_events;
CREATE VIEW open_events AS                -- spills that are being reported, or were when the camera fell silent
  SELECT id, camera_id, started_at, last_detected_at, frame_path, verdict,
         strftime('%Y-%m-%d %H:%M:%f', acknowledged_at_ms / 1000.0, 'unixepoch') AS acknowledged_at, acknowledged_by
    FROM oil_spill_events
   WHERE ended_at_ms IS NULL
   ORDER BY +started_at_ms, id;           -- the plus keeps SQLite from reading all events in their order to find these few

CREATE VIEW unreviewed_events AS          -- what nobody has given a verdict yet, oldest first
  SELECT id, camera_id, started_at, ended_at,
         round((ended_at_ms - started_at_ms) / 1000.0, 1) AS duration_seconds,
         peak_confidence,
         strftime('%Y-%m-%d %H:%M:%f', acknowledged_at_ms / 1000.0, 'unixepoch') AS acknowledged_at, acknowledged_by,
         frame_path
    FROM oil_spill_events
   WHERE verdict IS NULL AND merged_into IS NULL
   ORDER BY started_at_ms, id;

DROP VIEW events_per_day;
CREATE VIEW events_per_day AS             -- by the UTC day on which they started
  SELECT date(started_at_ms / 1000, 'unixepoch') AS day, camera_id, count(*) AS events,
         round(sum(ended_at_ms - started_at_ms) / 1000.0, 1) AS total_seconds,
         round(max(ended_at_ms - started_at_ms) / 1000.0, 1) AS longest_seconds,
         count(*) FILTER (WHERE verdict = 'confirmed') AS confirmed,
         count(*) FILTER (WHERE verdict = 'false_positive') AS false_positives,
         count(*) FILTER (WHERE verdict IS NULL) AS unreviewed
    FROM oil_spill_events
   WHERE merged_into IS NULL
   GROUP BY day, camera_id
   ORDER BY day, camera_id;

CREATE VIEW false_positive_rate AS        -- how often each detector was wrong on each camera, as far as that was reviewed
  SELECT oil_spill_events.camera_id, model_version, count(*) AS reviewed,
         count(*) FILTER (WHERE verdict = 'confirmed') AS confirmed,
         count(*) FILTER (WHERE verdict = 'false_positive') AS false_positives,
         count(*) FILTER (WHERE verdict = 'unsure') AS unsure,
         round(1.0 * count(*) FILTER (WHERE verdict = 'false_positive') / nullif(count(*) FILTER (WHERE verdict <> 'unsure'), 0), 3) AS rate
    FROM oil_spill_events
    LEFT JOIN detections ON detections.frame_path = oil_spill_events.frame_path
   WHERE verdict IN ('confirmed', 'false_positive', 'unsure') AND merged_into IS NULL
   GROUP BY +oil_spill_events.camera_id, model_version  -- the plus keeps SQLite from reading all events in the order of cameras
   ORDER BY +oil_spill_events.camera_id, model_version;

CREATE VIEW camera_status AS              -- the cameras as the server noted them last
  SELECT cameras.camera_id, name, site, latitude, longitude, enabled,
         stream_stopped_at_ms IS NOT NULL AS stream_stopped,
         coalesce(connection, 'never_seen') AS connection, at AS connection_since,
         strftime('%Y-%m-%d %H:%M:%f', newest_taken_at_ms / 1000.0, 'unixepoch') AS newest_frame_at,
         round(clock_skew_ms / 1000.0, 3) AS clock_skew_seconds,
         (SELECT id FROM oil_spill_events WHERE camera_id = cameras.camera_id AND ended_at_ms IS NULL) AS open_event_id,
         (SELECT started_at FROM oil_spill_events WHERE camera_id = cameras.camera_id AND merged_into IS NULL
           ORDER BY started_at_ms DESC, id DESC LIMIT 1) AS newest_event_at
    FROM cameras
    LEFT JOIN camera_connections ON camera_connections.id = (SELECT max(id) FROM camera_connections WHERE camera_id = cameras.camera_id)
   WHERE archived_at_ms IS NULL
   ORDER BY cameras.camera_id;

CREATE VIEW evidence_files AS             -- every file of evidence that there is, should be or was
  SELECT id AS event_id, camera_id, 'opening_frame' AS kind, frame_path AS path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes, evidence_state AS state
    FROM oil_spill_events
  UNION ALL                               -- frames that opened an event before an earlier one came late
  SELECT event_id, detections.camera_id, 'frame', detections.frame_path, sha256, size_bytes, CASE evidence_state WHEN 'deleted' THEN 'deleted' ELSE 'kept' END
    FROM detections JOIN oil_spill_events ON oil_spill_events.id = event_id
   WHERE detections.frame_path IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM oil_spill_events AS opened WHERE opened.frame_path = detections.frame_path)
  UNION ALL
  SELECT event_id, camera_id, 'clip', path, sha256, size_bytes, CASE evidence_state WHEN 'deleted' THEN 'deleted' ELSE 'kept' END
    FROM clips JOIN oil_spill_events ON oil_spill_events.id = event_id;

CREATE VIEW storage_by_camera AS          -- how much disk the evidence takes
  SELECT camera_id, size_bytes AS total_bytes,
         round(100.0 * size_bytes / nullif((SELECT sum(size_bytes) FROM evidence_totals), 0), 1) AS percent,
         (SELECT count(*) FROM oil_spill_events WHERE camera_id = evidence_totals.camera_id) AS events
    FROM evidence_totals
   ORDER BY camera_id;

CREATE VIEW audit_trail AS                -- the ledger, readable: who did what to what, oldest first
  SELECT sequence, at, actor, action, subject,
         CASE WHEN subject LIKE 'event:%' THEN CAST(substr(subject, 7) AS INTEGER) END AS event_id,
         iif(json_valid(payload), json_remove(payload, '$.event'), payload) AS details,
         payload, hash
    FROM ledger
   ORDER BY sequence;
`
