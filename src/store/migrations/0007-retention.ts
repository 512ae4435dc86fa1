/** What retention needs: the oldest evidence that may go, and how much there is, without reading the whole history. */
export const retention = `
CREATE INDEX deletable_evidence ON oil_spill_events (started_at_ms, id)
 WHERE merged_into IS NULL AND held = 0 AND ended_at_ms IS NOT NULL AND evidence_state <> 'deleted';
CREATE INDEX deletable_reviewed_evidence ON oil_spill_events (started_at_ms, id)
 WHERE merged_into IS NULL AND held = 0 AND ended_at_ms IS NOT NULL AND evidence_state <> 'deleted' AND verdict IS NOT NULL;
CREATE INDEX kept_frames ON detections (event_id) WHERE frame_path IS NOT NULL;

CREATE VIEW kept_files AS                 -- every file of evidence that should be there
  SELECT id AS event_id, camera_id, frame_path AS path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes, 'frame' AS kind
    FROM oil_spill_events WHERE evidence_state = 'kept'
  UNION ALL                               -- frames that opened an event before an earlier one came late
  SELECT event_id, detections.camera_id, detections.frame_path, detections.sha256, detections.size_bytes, 'earlier_frame'
    FROM detections JOIN oil_spill_events ON oil_spill_events.id = event_id
   WHERE detections.frame_path IS NOT NULL AND evidence_state <> 'deleted'
     AND NOT EXISTS (SELECT 1 FROM oil_spill_events WHERE frame_path = detections.frame_path)
  UNION ALL
  SELECT event_id, camera_id, path, sha256, size_bytes, 'clip'
    FROM clips JOIN oil_spill_events ON oil_spill_events.id = event_id
   WHERE evidence_state <> 'deleted';

CREATE TABLE evidence_totals (            -- how much evidence there is of each camera; kept by triggers
  camera_id  TEXT PRIMARY KEY,
  size_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO evidence_totals SELECT camera_id, sum(size_bytes) FROM kept_files GROUP BY camera_id;

CREATE TRIGGER evidence_kept_with_event AFTER INSERT ON oil_spill_events WHEN NEW.evidence_state = 'kept' BEGIN
  INSERT INTO evidence_totals VALUES (NEW.camera_id, NEW.frame_size_bytes)
      ON CONFLICT DO UPDATE SET size_bytes = size_bytes + excluded.size_bytes;
END;
CREATE TRIGGER evidence_kept_later AFTER UPDATE OF evidence_state, frame_path ON oil_spill_events
  WHEN NEW.evidence_state = 'kept' AND (OLD.evidence_state <> 'kept' OR OLD.frame_path <> NEW.frame_path) BEGIN
  INSERT INTO evidence_totals VALUES (NEW.camera_id, NEW.frame_size_bytes)
      ON CONFLICT DO UPDATE SET size_bytes = size_bytes + excluded.size_bytes;
END;
CREATE TRIGGER evidence_lost AFTER UPDATE OF evidence_state ON oil_spill_events
  WHEN OLD.evidence_state = 'kept' AND NEW.evidence_state = 'missing' BEGIN
  UPDATE evidence_totals SET size_bytes = size_bytes - OLD.frame_size_bytes WHERE camera_id = OLD.camera_id;
END;
CREATE TRIGGER clip_begun AFTER INSERT ON clips BEGIN
  INSERT INTO evidence_totals SELECT camera_id, NEW.size_bytes FROM oil_spill_events WHERE id = NEW.event_id
      ON CONFLICT DO UPDATE SET size_bytes = size_bytes + excluded.size_bytes;
END;
CREATE TRIGGER clip_grown AFTER UPDATE OF size_bytes ON clips BEGIN
  UPDATE evidence_totals SET size_bytes = size_bytes + NEW.size_bytes - OLD.size_bytes
   WHERE camera_id = (SELECT camera_id FROM oil_spill_events WHERE id = NEW.event_id);
END;
CREATE TRIGGER clip_gone AFTER DELETE ON clips BEGIN
  UPDATE evidence_totals SET size_bytes = size_bytes - OLD.size_bytes
   WHERE camera_id = (SELECT camera_id FROM oil_spill_events WHERE id = OLD.event_id);
END;
`
