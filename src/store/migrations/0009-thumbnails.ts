/** What operators read of clips, and what became of the thumbnails of opening frames, which are made of evidence and are none. */
export const thumbnails = `
ALTER TABLE oil_spill_events ADD COLUMN thumbnail_state TEXT NOT NULL DEFAULT 'none'
  CHECK (thumbnail_state IN ('none', 'undecodable'));  -- undecodable: the frame is kept, but no decoder here can show it

CREATE VIEW clip_index AS                 -- where each frame of an event is in its clip, in the order in which they were taken
  SELECT event_id, role, strftime('%Y-%m-%d %H:%M:%f', taken_at_ms / 1000.0, 'unixepoch') AS taken_at,
         path, number, offset_bytes, clip_frames.size_bytes, clip_frames.sha256, confidence, boxes
    FROM clips JOIN clip_frames USING (clip_id)
   ORDER BY taken_at_ms, clip_id, number;
`
