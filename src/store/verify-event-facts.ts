import type { Verification } from './verify.js'

/** What a row of an event has from its detections and its camera. */
export interface EventFacts {
  readonly id: number
  readonly camera_id: string
  readonly merged_into: number | null
  readonly started_at_ms: number
  readonly frame_path: string
  readonly frame_sha256: string
  readonly frame_size_bytes: number
  readonly frame_width: number
  readonly frame_height: number
  readonly peak_confidence: number | null
  readonly latitude: number | null
  readonly longitude: number | null
}

interface OpeningRow { sha256: string, size_bytes: number, width: number, height: number }

interface Place { readonly latitude: number | null, readonly longitude: number | null }

/** A change of a camera's settings that the ledger tells of. */
interface CameraChange extends Place { readonly sequence: number, readonly moved: number }

/**
 * Makes anew, from the detections, which the ledger proves, what triggers have written into the rows of events: how sure
 * the detector was, where it was seen from, and how large the opening frame is. One event at a time, through indexes.
 */
export function eventFactsVerifier (verification: Verification) {
  const { opening, openingBySha256, peak, toldPeak, hasConfidence, openingPlaces, hasPlace, firstEntry, changes, cameraPlace } = statements(verification)
  /** Few: a camera is seldom moved. */
  const moves = new Map<string, CameraChange[]>()

  /** What is wrong with a row; undefined where nothing is. */
  return (event: EventFacts): string | undefined => {
    const owner = event.merged_into ?? event.id
    if (!isOpeningRight(event, owner)) return 'its opening frame is not that of its detection'
    if (!isPeakRight(event, owner)) return 'its peak_confidence is not that of its surest detection'
    if (!isPlaceRight(event, owner)) return 'its latitude and longitude are not those of its opening detection or its camera'
    return undefined
  }

  function isOpeningRight (event: EventFacts, owner: number): boolean {
    const found = opening.get(event.frame_path) ?? openingBySha256.get(owner, event.frame_sha256)
    return found === undefined || (found.sha256 === event.frame_sha256 && found.size_bytes === event.frame_size_bytes &&
      found.width === event.frame_width && found.height === event.frame_height)
  }

  /** An event that was merged has no detections any more: its surest one is among those that it became a part of. */
  function isPeakRight ({ id, merged_into: mergedInto, peak_confidence: found }: EventFacts, owner: number): boolean {
    if (mergedInto === null) return found === (peak.get(id) ?? null)
    const told = toldPeak.get(`event:${id}`) ?? null
    return found === told || (found !== null && found > (told ?? -1) && hasConfidence.get(owner, found) === 1)
  }

  /** As the opening detection says; else as an earlier opening one said, or where the camera was. */
  function isPlaceRight (event: EventFacts, owner: number): boolean {
    // What a merged event is a part of has earlier detections, which are not its own.
    const said = openingPlaces.all(owner, event.merged_into === null ? Number.MIN_SAFE_INTEGER : event.started_at_ms, event.started_at_ms)
    if (said.length > 0) return said.some(place => isSame(place, event))
    const camera = placeOfCamera(event)
    return camera === undefined || isSame(camera, event) || hasPlace.get(owner, event.latitude, event.longitude) === 1
  }

  /** Where the camera was when the event was first told of; undefined where nothing tells. */
  function placeOfCamera ({ id, camera_id: cameraId }: EventFacts): Place | undefined {
    const known = moves.get(cameraId) ?? changes.all(`camera:${cameraId}`)
    moves.set(cameraId, known)
    const first = firstEntry.get(`event:${id}`) ?? 0
    const before = known.findLast(({ sequence }) => sequence < first)
    if (before !== undefined) return whole(before)
    // A camera may be older than the ledger: then its place is known only if it was not moved since.
    return known.some(({ moved }) => moved === 1) ? undefined : whole(cameraPlace.get(cameraId))
  }
}

const NOWHERE: Place = { latitude: null, longitude: null }

function whole (place: Place | undefined): Place {
  return place === undefined || place.latitude === null || place.longitude === null ? NOWHERE : place
}

function isSame (one: Place, other: Place): boolean {
  return one.latitude === other.latitude && one.longitude === other.longitude
}

function statements ({ database }: Verification) {
  return {
    opening: database.prepare<[string], OpeningRow>('SELECT sha256, size_bytes, width, height FROM detections WHERE frame_path = ?'),
    openingBySha256: database.prepare<[number, string], OpeningRow>('SELECT sha256, size_bytes, width, height FROM detections WHERE event_id = ? AND sha256 = ? LIMIT 1'),
    peak: database.prepare<[number], number | null>('SELECT max(confidence) FROM detections WHERE event_id = ?').pluck(),
    // An altered payload may be no JSON.
    toldPeak: database.prepare<[string], number | null>(`
      SELECT max(confidence) FROM ledger CROSS JOIN detections
          ON detections.id BETWEEN CAST(iif(json_valid(payload), payload ->> '$.detections.first_id', NULL) AS INTEGER)
                               AND CAST(iif(json_valid(payload), payload ->> '$.detections.last_id', NULL) AS INTEGER)
       WHERE subject = ?`).pluck(),
    hasConfidence: database.prepare<[number, number], number>('SELECT 1 FROM detections WHERE event_id = ? AND confidence = ? LIMIT 1').pluck(),
    openingPlaces: database.prepare<[number, number, number], Place>(`
      SELECT latitude, longitude FROM detections
       WHERE event_id = ? AND taken_at_ms BETWEEN ? AND ? AND latitude IS NOT NULL AND longitude IS NOT NULL`),
    hasPlace: database.prepare<[number, number | null, number | null], number>(
      'SELECT 1 FROM detections WHERE event_id = ? AND latitude = ? AND longitude = ? LIMIT 1').pluck(),
    firstEntry: database.prepare<[string], number>('SELECT sequence FROM ledger WHERE subject = ? ORDER BY sequence LIMIT 1').pluck(),
    changes: database.prepare<[string], CameraChange>(`
      SELECT sequence, payload ->> '$.camera.latitude' AS latitude, payload ->> '$.camera.longitude' AS longitude,
             EXISTS (SELECT 1 FROM json_each(payload, '$.changed') WHERE value IN ('latitude', 'longitude')) AS moved
        FROM ledger WHERE subject = ? AND action IN ('camera.added', 'camera.changed') AND json_valid(payload) ORDER BY sequence`),
    cameraPlace: database.prepare<[string], Place>('SELECT latitude, longitude FROM cameras WHERE camera_id = ?')
  }
}
