/** What became of the thumbnails of opening frames. They are made of evidence and are none. */
export const thumbnails = `
ALTER TABLE oil_spill_events ADD COLUMN thumbnail_state TEXT NOT NULL DEFAULT 'none'
  CHECK (thumbnail_state IN ('none', 'made', 'undecodable'));  -- none: not yet; undecodable: the frame is kept, but no decoder here can show it
`
