/** What one index of events multiplies its numbers with. */
interface Scales { readonly name: string, readonly degree: number, readonly sureness: number, readonly camera: number }

/**
 * Two indexes of the same. SQLite splits the nodes of an R*Tree by the sum of their sides, so that what has the greatest
 * numbers is found fastest: one is for places and cameras, the other for how sure the detector and the reviewers were.
 */
const EVENT_INDEXES: readonly Scales[] = [
  { name: 'events_by_place', degree: 30, sureness: 1, camera: 30 },
  { name: 'events_by_sureness', degree: 0.3, sureness: 1000, camera: 0.3 }
]

/** What an index holds of the events of which this is true. */
function rowsOf ({ degree, sureness, camera }: Scales, isSo: string): string {
  return `SELECT id, longitude * ${degree}, longitude * ${degree}, latitude * ${degree}, latitude * ${degree}, start_day, end_day,
         sureness * ${sureness}, sureness * ${sureness}, camera * ${camera}, camera * ${camera}
    FROM (SELECT id, coalesce(longitude, 999) AS longitude, coalesce(latitude, 999) AS latitude,
                 started_at_ms / 864e5 AS start_day, coalesce(ended_at_ms / 864e5, 1e9) AS end_day,
                 coalesce(peak_confidence, -1) + CASE verdict WHEN 'confirmed' THEN 4 WHEN 'false_positive' THEN 8 WHEN 'unsure' THEN 12 ELSE 0 END AS sureness,
                 (SELECT number FROM camera_numbers WHERE camera_numbers.camera_id = oil_spill_events.camera_id) AS camera
            FROM oil_spill_events WHERE merged_into IS NULL AND ${isSo});`
}

function created (index: Scales): string {
  return `
CREATE VIRTUAL TABLE ${index.name} USING rtree (  -- finds events by all of these at once, to 24 bits; the table of events has the truth
  id,
  west, east,                             -- ${index.degree} times the degrees; 999 degrees where the place is not known
  south, north,
  start_day, end_day,                     -- days since 1970; 1e9 for the end of an open event
  low_sureness, high_sureness,            -- ${index.sureness} times peak_confidence, -1 where there is none; plus 4 where confirmed, 8 where false_positive, 12 where unsure
  low_camera, high_camera                 -- ${index.camera} times its number
);
INSERT INTO ${index.name}
  ${rowsOf(index, 'TRUE')}
`
}

function indexed (index: Scales): string {
  return `  DELETE FROM ${index.name} WHERE id = NEW.id;
  INSERT INTO ${index.name}
  ${rowsOf(index, 'id = NEW.id')}
`
}

/** What the history is searched by. Triggers keep it, so that it is right whoever writes. */
export const history = `
ALTER TABLE oil_spill_events ADD COLUMN peak_confidence REAL;  -- of the detection that was surest; NULL where none said
ALTER TABLE oil_spill_events ADD COLUMN latitude REAL;         -- where it was seen from: as its opening frame says, else where the camera was then
ALTER TABLE oil_spill_events ADD COLUMN longitude REAL;

UPDATE oil_spill_events SET
  peak_confidence = (SELECT max(confidence) FROM detections WHERE event_id = oil_spill_events.id),
  (latitude, longitude) = (SELECT latitude, longitude FROM cameras
                            WHERE cameras.camera_id = oil_spill_events.camera_id AND latitude IS NOT NULL AND longitude IS NOT NULL);
UPDATE oil_spill_events SET (latitude, longitude) = (opening.latitude, opening.longitude)
  FROM detections AS opening
 WHERE opening.frame_path = oil_spill_events.frame_path AND opening.latitude IS NOT NULL AND opening.longitude IS NOT NULL;

CREATE INDEX oil_spill_events_by_verdict ON oil_spill_events (verdict, started_at_ms, id);
CREATE INDEX oil_spill_events_by_camera_and_verdict ON oil_spill_events (camera_id, verdict, started_at_ms, id);

CREATE INDEX oil_spill_events_by_confidence ON oil_spill_events (peak_confidence);

CREATE TABLE camera_numbers (             -- cameras as numbers, for the indexes below
  number    INTEGER PRIMARY KEY,
  camera_id TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO camera_numbers (camera_id) SELECT DISTINCT camera_id FROM oil_spill_events;
${EVENT_INDEXES.map(created).join('')}
CREATE TRIGGER new_events_are_indexed AFTER INSERT ON oil_spill_events BEGIN
  INSERT OR IGNORE INTO camera_numbers (camera_id) VALUES (NEW.camera_id);
  UPDATE oil_spill_events SET (latitude, longitude) = (SELECT latitude, longitude FROM cameras WHERE camera_id = NEW.camera_id AND latitude + longitude IS NOT NULL)
   WHERE id = NEW.id AND latitude IS NULL;
${EVENT_INDEXES.map(indexed).join('')}END;

CREATE TRIGGER changed_events_are_indexed
  AFTER UPDATE OF started_at_ms, ended_at_ms, merged_into, peak_confidence, verdict, latitude, longitude ON oil_spill_events
  WHEN (OLD.started_at_ms, OLD.ended_at_ms, OLD.merged_into, OLD.peak_confidence, OLD.verdict, OLD.latitude, OLD.longitude)
    IS NOT (NEW.started_at_ms, NEW.ended_at_ms, NEW.merged_into, NEW.peak_confidence, NEW.verdict, NEW.latitude, NEW.longitude)
BEGIN
${EVENT_INDEXES.map(indexed).join('')}END;

CREATE TRIGGER detections_make_events_surer AFTER INSERT ON detections WHEN NEW.confidence IS NOT NULL BEGIN
  UPDATE oil_spill_events SET peak_confidence = NEW.confidence WHERE id = NEW.event_id AND NEW.confidence > coalesce(peak_confidence, -1);
END;

CREATE TRIGGER moved_detections_make_events_surer AFTER UPDATE OF event_id ON detections WHEN NEW.confidence IS NOT NULL BEGIN
  UPDATE oil_spill_events SET peak_confidence = NEW.confidence WHERE id = NEW.event_id AND NEW.confidence > coalesce(peak_confidence, -1);
END;

CREATE TRIGGER opening_detections_say_where AFTER INSERT ON detections WHEN NEW.latitude IS NOT NULL AND NEW.longitude IS NOT NULL BEGIN
  UPDATE oil_spill_events SET latitude = NEW.latitude, longitude = NEW.longitude WHERE id = NEW.event_id AND NEW.taken_at_ms <= started_at_ms;
END;

CREATE VIRTUAL TABLE review_notes USING fts5 (  -- the notes of all reviews of an event, word by word; their text is in reviews
  notes, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

-- Its rows are in the order of events: 41 bits of the start, then 22 of the id.
INSERT INTO review_notes (rowid, notes)
SELECT started_at_ms << 22 | (id & 4194303), (SELECT group_concat(notes, char(10)) FROM reviews WHERE event_id = oil_spill_events.id)
  FROM oil_spill_events WHERE id IN (SELECT event_id FROM reviews WHERE notes <> '');

CREATE TRIGGER reviews_are_searched AFTER INSERT ON reviews WHEN NEW.notes <> '' BEGIN
  DELETE FROM review_notes WHERE rowid = (SELECT started_at_ms << 22 | (id & 4194303) FROM oil_spill_events WHERE id = NEW.event_id);
  INSERT INTO review_notes (rowid, notes)
  SELECT started_at_ms << 22 | (id & 4194303), (SELECT group_concat(notes, char(10)) FROM reviews WHERE event_id = NEW.event_id)
    FROM oil_spill_events WHERE id = NEW.event_id;
END;

CREATE TRIGGER moved_events_are_searched AFTER UPDATE OF started_at_ms ON oil_spill_events
  WHEN OLD.started_at_ms <> NEW.started_at_ms AND EXISTS (SELECT 1 FROM reviews WHERE event_id = NEW.id AND notes <> '')
BEGIN
  DELETE FROM review_notes WHERE rowid = OLD.started_at_ms << 22 | (OLD.id & 4194303);
  INSERT INTO review_notes (rowid, notes)
  SELECT NEW.started_at_ms << 22 | (NEW.id & 4194303), group_concat(notes, char(10)) FROM reviews WHERE event_id = NEW.id;
END;
`
