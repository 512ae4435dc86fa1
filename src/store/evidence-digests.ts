/** The columns of a detection that its digest in the ledger covers: all but the event, which a merge changes. */
export const DETECTION_COLUMNS = `id, camera_id, taken_at_ms, captured_at_ms, received_at_ms, clock_skew_ms, frame_sequence, idempotency_key,
  frame_path, sha256, size_bytes, width, height, confidence, boxes, model_version, latitude, longitude, heading`

/**
 * The columns of a frame of a clip that its digest covers while the clip grows: all but the clip, which the entry names,
 * and the role, which is settled when the clip is closed and in the digest of the whole index then.
 */
export const CLIP_FRAME_COLUMNS = 'number, offset_bytes, size_bytes, sha256, taken_at_ms, captured_at_ms, received_at_ms, width, height, confidence, boxes'
