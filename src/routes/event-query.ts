import { parseBoundingBox, parseWindowEdge, type EventFilter } from '../core/event-filter.js'
import { RequestInvalid } from '../errors.js'
import type { EventQuery } from '../schemas/event-query.js'

/**
 * What a query asks for.
 * @throws RequestInvalid where its schema cannot tell that it makes no sense
 */
export function filterOf (query: EventQuery): EventFilter {
  const fromMs = query.from === undefined ? null : edge('from', query.from)
  const toMs = query.to === undefined ? null : edge('to', query.to)
  if (fromMs !== null && toMs !== null && fromMs > toMs) throw new RequestInvalid('querystring/from is after querystring/to')
  const bbox = query.bbox === undefined ? null : parseBoundingBox(query.bbox)
  if (bbox === undefined) throw new RequestInvalid('querystring/bbox Expected west,south,east,north in degrees, such as -5,50,12.5,62')
  return {
    cameras: query.camera === undefined ? null : [...new Set(query.camera)],
    fromMs,
    toMs,
    state: query.state ?? null,
    verdict: query.verdict ?? null,
    minConfidence: query.min_confidence ?? null,
    bbox,
    words: query.q ?? null,
    order: query.sort ?? 'started_at'
  }
}

function edge (name: 'from' | 'to', text: string): number {
  const atMs = parseWindowEdge(text, name)
  if (atMs === undefined) throw new RequestInvalid(`querystring/${name} Expected a time such as 2026-03-01T12:00:00Z, 2026-03-01T12:00:00 (UTC) or 2026-03-01`)
  return atMs
}
