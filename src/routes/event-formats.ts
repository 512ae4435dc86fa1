import type { OilSpillEvent } from '../schemas/oil-spill-event.js'
import type { ListForm } from './item-stream.js'

/** A form of the list of events, with its media type. */
export interface EventFormat {
  readonly mediaType: string
  /** With its parameters. */
  readonly contentType: string
  /** @param toText writes one event as JSON, as the schema says */
  form (toText: (event: OilSpillEvent) => string): ListForm<OilSpillEvent>
}

/** The columns of the CSV: the keys of an event, as in its JSON. Columns may be added at the end. */
const CSV_COLUMNS = [
  'id', 'camera_id', 'datetime', 'ended_at', 'verdict', 'peak_confidence', 'latitude', 'longitude', 'acknowledged_at', 'held', 'frame_path', 'sha256',
  'size_bytes', 'width', 'height', 'frame_url', 'evidence_state', 'clip_url', 'thumbnail_url'
] as const satisfies ReadonlyArray<keyof OilSpillEvent>

/** Every form, by its name in `?format=`; the first is the one where nothing is said. */
export const EVENT_FORMATS = {
  json: {
    mediaType: 'application/json',
    contentType: 'application/json; charset=utf-8',
    form: toText => ({ open: '[', separator: ',', close: ']', write: toText })
  },
  ndjson: {
    mediaType: 'application/x-ndjson',
    contentType: 'application/x-ndjson; charset=utf-8',
    form: toText => ({ open: '', separator: '', close: '', write: event => `${toText(event)}\n` })
  },
  csv: {
    mediaType: 'text/csv',
    contentType: 'text/csv; charset=utf-8; header=present',
    form: () => ({ open: `${CSV_COLUMNS.join()}\r\n`, separator: '', close: '', write: event => `${CSV_COLUMNS.map(column => csvCell(event[column])).join()}\r\n` })
  },
  geojson: {
    mediaType: 'application/geo+json',
    contentType: 'application/geo+json; charset=utf-8',
    form: toText => ({ open: '{"type":"FeatureCollection","features":[', separator: ',\n', close: ']}', write: event => featureOf(event, toText) })
  }
} as const satisfies Record<string, EventFormat>

/**
 * A cell of CSV (RFC 4180, section 2). Text that a spreadsheet would take for a formula gets an apostrophe before it, which
 * spreadsheets take for "this is text". Source: OWASP, CSV Injection.
 */
export function csvCell (value: string | number | boolean | null): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const text = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** An event on the map (RFC 7946, section 3.2): its geometry is null where nobody said where it was. */
function featureOf (event: OilSpillEvent, toText: (event: OilSpillEvent) => string): string {
  const { id, latitude, longitude } = event
  const geometry = latitude === null || longitude === null ? 'null' : `{"type":"Point","coordinates":[${longitude},${latitude}]}`
  return `{"type":"Feature","id":${id},"geometry":${geometry},"properties":${toText(event)}}`
}
