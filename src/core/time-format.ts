/** `YYYYMMDD_HHMMSS` in UTC: the seed's `timestamp`, and part of evidence file names. */
export function formatTimestamp (atMs: number): string {
  return new Date(atMs).toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15)
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff` in UTC, without a zone: the seed's `datetime`. Our clock has milliseconds, so it ends in 000. */
export function formatDatetime (atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '000')
}

/** Seconds since 1970 with six decimals: the `X-Timestamp` of frames. */
export function formatEpochSeconds (atMs: number): string {
  return `${Math.floor(atMs / 1000)}.${String(atMs % 1000).padStart(3, '0')}000`
}
