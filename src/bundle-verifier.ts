/*
 * Checks the evidence of an oil-spill event that Videostream has handed out, in the folder that this file is in:
 *
 *     node verify.mjs [--public-key FILE]
 *
 * It needs Node.js 18 or newer, and nothing else: no packages, no network. It only reads. README.txt says what the files
 * are. Exit code: 0 all is as it was written, 1 something is not, 2 it could not be checked.
 */
import { createHash, createPublicKey, verify, type Hash, type KeyObject } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Row = Record<string, Json>

/** Rows that an entry of the ledger tells of, with one hash for all of them. */
interface Told { subject: string, first: number, last: number, count: number, digest: string, entry: number }

/** What the entries say, the newest of each. */
interface Said {
  /** By event: its row. */
  events: Map<string, { state: Row, entry: number }>
  reviews: Map<number, { review: Row, entry: number }>
  /** By clip: what it was when it was closed. */
  closed: Map<number, { clip: Row, entry: number }>
  detections: Told[]
  /** By clip. */
  frames: Map<number, Told[]>
  /** Whether the event is older than the ledger. */
  isAdopted: boolean
}

const KEY = ['key_id', 'public_key']
const CHECKPOINT = ['type', 'sequence', 'hash', 'at_ms', 'key_id', 'statement', 'signature', 'public_key']
const WITHHELD = ['sequence', 'content_hash', 'previous_hash', 'hash']
const SHOWN = ['sequence', 'at_ms', 'actor', 'action', 'subject', 'payload', 'salt', 'previous_hash', 'hash']
const INDEX = ['format', 'made_at', 'last_sequence', 'event', 'merged_events', 'camera', 'clips', 'reviews', 'files']
/** Of an event: what the ledger says, what is made of that or of detections, and what nothing proves. */
const STATE = ['camera_id', 'started_at_ms', 'last_detected_at_ms', 'ended_at_ms', 'merged_into', 'frame_path', 'frame_sha256', 'frame_size_bytes',
  'evidence_state', 'verdict', 'held', 'acknowledged_at_ms', 'acknowledged_by']
const MADE = ['id', 'started_at', 'last_detected_at', 'ended_at', 'frame_width', 'frame_height', 'peak_confidence', 'latitude', 'longitude']
const UNPROVED = ['clear_before_ms', 'clear_after_ms', 'thumbnail_state']
const CAMERA = ['camera_id', 'name', 'site', 'latitude', 'longitude', 'heading']
const CLIP = ['clip_id', 'event_id', 'path', 'size_bytes', 'truncated', 'sha256', 'closed_at_ms']
const REVIEW = ['review_id', 'event_id', 'at', 'at_ms', 'reviewer', 'verdict', 'look_alike', 'oil_appearance_code', 'notes']
const FILE = ['kind', 'path', 'sha256', 'size_bytes', 'state']

const folder = dirname(fileURLToPath(import.meta.url))
let findings = 0
const notes: string[] = []

function report (what: string, problem: string): void {
  findings += 1
  console.log(`${what}: ${problem}`)
}

/** RFC 8785: keys sorted, no space. */
function canonical (value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join()}}`
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const isRow = (value: Json | undefined): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)

const rowsIn = (value: Json | undefined): Row[] => Array.isArray(value) ? value.filter(isRow) : []

function readJson (name: string): Row {
  const value: Json = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  if (!isRow(value)) throw new Error(`${name} holds no JSON object`)
  return value
}

/** The lines of a file, each one JSON object. */
async function * linesOf (name: string): AsyncGenerator<Row> {
  let number = 0
  for await (const line of createInterface({ input: createReadStream(join(folder, name)), crlfDelay: Infinity })) {
    number += 1
    let value: Json
    try {
      value = JSON.parse(line)
    } catch {
      value = null
    }
    if (isRow(value) && canonical(value) !== '{}') yield value
    else report(`${name}, line ${number}`, 'is no JSON object')
  }
}

/** The first member that nobody but a forger has written, or that is missing; undefined where all is as it should be. */
function oddMember (row: Row, members: string[]): string | undefined {
  const unknown = Object.keys(row).find(key => !members.includes(key))
  if (unknown !== undefined) return `its member ${unknown} is not proved by the ledger`
  const missing = members.find(key => !(key in row))
  return missing === undefined ? undefined : `its member ${missing} is missing`
}

/** Refuses members that nothing is known of. @returns whether all is right */
function checkMembers (name: string, row: Row, members: string[]): boolean {
  const problem = oddMember(row, members)
  if (problem !== undefined) report(name, problem)
  return problem === undefined
}

function keyName (key: KeyObject): string {
  return createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16)
}

/** The public keys whose signatures count, by their names. */
function keysOf (proof: Row): Map<string, KeyObject> {
  const at = process.argv.indexOf('--public-key')
  const file = process.argv[at + 1]
  if (at !== -1 && file === undefined) throw new Error('--public-key wants a file')
  const pems = at === -1 ? rowsIn(proof['public_keys']).map(each => String(each['public_key'])) : [readFileSync(String(file), 'utf8')]
  const keys = pems.map(pem => createPublicKey(pem))
  const named = new Map(keys.map(key => [keyName(key), key]))
  if (at === -1) notes.push(`The key came with the bundle: compare ${[...named.keys()].join(', ')} with what the server's /api/integrity said, or use --public-key.`)
  return named
}

/** The signed heads, by the number of the entry that they name. */
function signedHeads (proof: Row): Map<number, string> {
  const keys = keysOf(proof)
  const heads = new Map<number, string>()
  const pems = new Map(rowsIn(proof['public_keys']).map(each => [each['key_id'], each['public_key']]))
  checkMembers('checkpoint.json', proof, ['public_keys', 'checkpoints'])
  for (const each of rowsIn(proof['public_keys'])) {
    if (checkMembers('public key', each, KEY) && keyName(createPublicKey(String(each['public_key']))) !== each['key_id']) report(`public key ${String(each['key_id'])}`, 'it is not the one of that name')
  }
  for (const each of rowsIn(proof['checkpoints'])) {
    const { sequence, hash, at_ms: atMs, key_id: keyId, signature } = each
    const statement = canonical({ type: 'videostream ledger head 1', sequence: sequence ?? 0, hash: hash ?? '', at_ms: atMs ?? 0, key_id: keyId ?? '' })
    const key = keys.get(String(keyId))
    const bytes = Buffer.from(String(signature), 'base64')
    if (key === undefined) report(`checkpoint ${String(sequence)}`, `it is signed with the key ${String(keyId)}, which is not the one to trust`)
    else if (bytes.toString('base64') !== signature || !verify(null, Buffer.from(statement), key, bytes)) report(`checkpoint ${String(sequence)}`, 'its signature is not right')
    else if (each['statement'] !== statement) report(`checkpoint ${String(sequence)}`, 'its statement is not that of its parts')
    else if (each['type'] !== 'videostream checkpoint 1' || each['public_key'] !== pems.get(keyId ?? '')) report(`checkpoint ${String(sequence)}`, 'its type or public_key is not right')
    else if (checkMembers(`checkpoint ${String(sequence)}`, each, CHECKPOINT)) heads.set(Number(sequence), String(hash))
  }
  return heads
}

/** Checks the chain of each stretch of the ledger up to the signed head at its end. */
async function checkLedger (heads: Map<number, string>): Promise<{ said: Said, shown: number, withheld: number }> {
  const said: Said = { events: new Map(), reviews: new Map(), closed: new Map(), detections: [], frames: new Map(), isAdopted: false }
  const counts = { shown: 0, withheld: 0 }
  let last: { sequence: number, hash: string } | undefined
  const reached = new Set<number>()
  const endStretch = (): void => {
    if (last !== undefined && heads.get(last.sequence) !== last.hash) report(`ledger row ${last.sequence}`, 'no signed head names it, or rows behind it are missing')
  }
  for await (const row of linesOf('ledger.ndjson')) {
    const sequence = Number(row['sequence'])
    const name = `ledger row ${String(row['sequence'])}`
    if (last !== undefined && sequence <= last.sequence) {
      report(name, `stands behind row ${last.sequence}`)
      continue
    }
    if (last?.sequence !== sequence - 1) endStretch()
    const { at_ms: at, actor, action, subject, payload, salt } = row
    const isShown = payload !== undefined
    const content = isShown ? sha256(canonical({ salt: salt ?? null, at_ms: at ?? null, actor: actor ?? null, action: action ?? null, subject: subject ?? null, payload })) : row['content_hash']
    const hash = sha256(canonical({ sequence: row['sequence'] ?? null, content_hash: content ?? null, previous_hash: row['previous_hash'] ?? null }))
    const follows = last?.sequence !== sequence - 1 || row['previous_hash'] === last.hash
    const signed = heads.get(sequence)
    const odd = oddMember(row, isShown ? SHOWN : WITHHELD)
    if (odd !== undefined) report(name, odd)
    else if (hash !== row['hash']) report(name, 'its hash is not that of its content')
    else if (!follows) report(name, `it does not follow row ${sequence - 1}: one of them was replaced`)
    else if (signed !== undefined && signed !== hash) report(name, 'it is not the one that the signed head names')
    else if (isShown && isRow(payload)) take(said, sequence, String(action), String(subject), payload)
    if (signed !== undefined) reached.add(sequence)
    counts[isShown ? 'shown' : 'withheld'] += 1
    last = { sequence, hash: String(row['hash']) }
  }
  endStretch()
  for (const sequence of heads.keys()) if (!reached.has(sequence)) report(`ledger row ${sequence}`, 'is missing: a signed head names it')
  return { said, ...counts }
}

/** Keeps what an entry says of the event. */
function take (said: Said, entry: number, action: string, subject: string, { event, detections, frames, review, clip }: Row): void {
  if (action === 'event.adopted') said.isAdopted = true
  if (isRow(event)) said.events.set(subject, { state: event, entry })
  if (isRow(detections)) said.detections.push(toldBy(subject, detections, 'id', entry))
  for (const each of isRow(frames) ? [frames] : rowsIn(frames)) {
    const clipId = Number(each['clip_id'])
    said.frames.set(clipId, [...said.frames.get(clipId) ?? [], toldBy(subject, each, 'number', entry)])
  }
  if (isRow(review)) said.reviews.set(Number(review['review_id']), { review, entry })
  if (action === 'clip.closed' && isRow(clip)) said.closed.set(Number(clip['clip_id']), { clip, entry })
}

function toldBy (subject: string, part: Row, key: string, entry: number): Told {
  return { subject, first: Number(part[`first_${key}`]), last: Number(part[`last_${key}`]), count: Number(part['count']), digest: String(part['digest']), entry }
}

/** Compares rows, as they come in their order, with what entries tell of them. */
class Digests {
  readonly #told: Told[]
  readonly #name: (first: number, last: number) => string
  #hash: Hash = createHash('sha256')
  #count = 0

  constructor (told: Told[], name: (first: number, last: number) => string) {
    this.#told = [...told].sort((a, b) => a.first - b.first)
    this.#name = name
  }

  /** @returns whom the entry is about that tells of the row; undefined where none does */
  take (number: number, row: Row): string | undefined {
    while (this.#told[0] !== undefined && number > this.#told[0].last) this.#end(this.#told[0])
    const told = this.#told[0]
    if (told === undefined || number < told.first) {
      report(this.#name(number, number), 'no entry of the ledger tells of it')
      return undefined
    }
    this.#hash.update(`${canonical(row)}\n`)
    this.#count += 1
    return told.subject
  }

  end (): void { while (this.#told[0] !== undefined) this.#end(this.#told[0]) }

  #end ({ first, last, count, digest, entry }: Told): void {
    const name = this.#name(first, last)
    if (this.#count !== count) report(name, `${count} are told of in ledger row ${entry}, but ${this.#count} are here`)
    else if (this.#hash.digest('hex') !== digest) report(name, `not as ledger row ${entry} tells`)
    this.#told.shift()
    this.#hash = createHash('sha256')
    this.#count = 0
  }
}

const nameOf = (what: string, rest = '') => (first: number, last: number): string => first === last ? `${what} ${first}${rest}` : `one of the ${what}s ${first} to ${last}${rest}`

interface Frame { number: number, from: number, length: number, sha256: string }

/** What detections say of an event in index.json. */
class Facts {
  readonly #event: Row
  readonly #isPart: boolean
  #told: number | null = null
  #all: number | null = null
  readonly #places: string[] = []
  #opening: Row | undefined
  #hasPeak = false
  #hasPlace = false

  constructor (event: Row) {
    this.#event = event
    this.#isPart = event['merged_into'] !== null
  }

  take (row: Row, subject: string | undefined): void {
    const { confidence, latitude = null, longitude = null, taken_at_ms: takenAtMs } = row
    if (typeof confidence === 'number') {
      this.#all = Math.max(this.#all ?? 0, confidence)
      if (subject === `event:${String(this.#event['id'])}`) this.#told = Math.max(this.#told ?? 0, confidence)
      if (confidence === this.#event['peak_confidence']) this.#hasPeak = true
    }
    if (row['frame_path'] === this.#event['frame_path'] || row['sha256'] === this.#event['frame_sha256']) this.#opening ??= row
    if (latitude === null || longitude === null) return
    const start = Number(this.#event['started_at_ms'])
    if (takenAtMs === start || (!this.#isPart && Number(takenAtMs) < start)) this.#places.push(canonical([latitude, longitude]))
    if (canonical([latitude, longitude]) === this.#place) this.#hasPlace = true
  }

  get #place (): string { return canonical([this.#event['latitude'] ?? null, this.#event['longitude'] ?? null]) }

  end (): void {
    const name = `event ${String(this.#event['id'])}`
    const peak = this.#event['peak_confidence'] ?? null
    // An event that became a part of another one may have had parts itself, whose detections are told of for them.
    const isPeak = this.#isPart ? peak === this.#told || (this.#hasPeak && Number(peak) > (this.#told ?? -1)) : peak === this.#all
    if (!isPeak) report(name, 'its peak_confidence is not that of its surest detection')
    if (this.#places.length > 0 ? !this.#places.includes(this.#place) : this.#event['latitude'] === null !== (this.#event['longitude'] === null)) {
      report(name, 'its latitude and longitude are not those of its opening detection')
    } else if (this.#places.length === 0 && !this.#hasPlace) notes.push(`${name}: its latitude and longitude are those of the camera, as index.json says: nothing here proves them.`)
    if (this.#opening === undefined) notes.push(`${name}: its frame_width and frame_height are as index.json says: nothing here proves them.`)
    else if (this.#opening['width'] !== this.#event['frame_width'] || this.#opening['height'] !== this.#event['frame_height']) {
      report(name, 'its frame_width and frame_height are not those of its opening detection')
    }
  }
}

/** The events of index.json: the one that all is about, and its parts. */
const eventsIn = (index: Row): Row[] => [index['event'], ...rowsIn(index['merged_events'])].filter(isRow)

/** Checks the rows of detections, and what events have from them. Returns the frames of them that are kept in files, by path. */
async function checkDetections (said: Said, index: Row): Promise<{ count: number, files: Map<string, Row> }> {
  const digests = new Digests(said.detections, nameOf('detection'))
  const firstTold = Math.min(...said.detections.map(each => each.first))
  const files = new Map<string, Row>()
  const facts = eventsIn(index).map(event => new Facts(event))
  let [count, unproved] = [0, 0]
  for await (const row of linesOf('detections.ndjson')) {
    count += 1
    let subject: string | undefined
    if (said.isAdopted && Number(row['id']) < firstTold) unproved += 1
    else subject = digests.take(Number(row['id']), row)
    for (const each of facts) each.take(row, subject)
    if (typeof row['frame_path'] === 'string') files.set(row['frame_path'], row)
  }
  digests.end()
  for (const each of facts) each.end()
  if (unproved > 0) notes.push(`${unproved} detections are older than the ledger: nothing proves them.`)
  return { count, files }
}

/** Checks the index of each clip. Returns it. */
async function checkFrames (said: Said): Promise<Map<number, Frame[]>> {
  const clips = new Map<number, { digests: Digests, whole: Hash, frames: Frame[] }>()
  const open = (clipId: number) => {
    const clip = { digests: new Digests(said.frames.get(clipId) ?? [], nameOf('frame', ` of clip ${clipId}`)), whole: createHash('sha256'), frames: [] }
    clips.set(clipId, clip)
    return clip
  }
  for (const clipId of said.frames.keys()) open(clipId)
  for await (const { clip_id: clipId, role, ...row } of linesOf('clip_frames.ndjson')) {
    const clip = clips.get(Number(clipId)) ?? open(Number(clipId))
    clip.digests.take(Number(row['number']), row)
    clip.whole.update(`${canonical({ ...row, role: role ?? null })}\n`)
    clip.frames.push({ number: Number(row['number']), from: Number(row['offset_bytes']), length: Number(row['size_bytes']), sha256: String(row['sha256']) })
  }
  for (const [clipId, { digests, whole }] of clips) {
    digests.end()
    const closed = said.closed.get(clipId)
    if (typeof closed?.clip['digest'] === 'string' && whole.digest('hex') !== closed.clip['digest']) report(`one of the frames of clip ${clipId}`, `not as ledger row ${closed.entry} tells`)
  }
  return new Map([...clips].map(([clipId, { frames }]) => [clipId, frames]))
}

/** Everything that an entry says of a row must be so in the row, and in every other row of that number. */
function compare (name: string, rows: Row[], saying: Row, entry: number): void {
  if (rows.length === 0) return report(name, `is missing in index.json: ledger row ${entry} tells of it`)
  if (rows.length > 1) return report(name, 'is more than once in index.json')
  const differing = Object.keys(saying).find(key => rows.some(row => key in row && canonical(row[key] ?? null) !== canonical(saying[key] ?? null)))
  if (differing !== undefined) report(name, `its ${differing} is not as ledger row ${entry} tells`)
}

/** Texts of times are made of the numbers. */
function checkTimes (name: string, row: Row, columns: string[]): void {
  for (const column of columns) {
    const atMs = row[`${column}_ms`]
    const text = typeof atMs === 'number' ? new Date(atMs).toISOString().replace('T', ' ').slice(0, -1) : null
    if (row[column] !== text) report(name, `its ${column} is not the same as its ${column}_ms`)
  }
}

/** The rows of a list of index.json. */
function listIn (index: Row, key: string): Row[] {
  const list = index[key]
  const rows = rowsIn(list)
  if (!Array.isArray(list) || rows.length !== list.length) report('index.json', `its ${key} is no list of objects`)
  return rows
}

function checkRows (said: Said, index: Row, isDeleted: boolean): void {
  checkMembers('index.json', index, 'camera' in index ? INDEX : INDEX.filter(key => key !== 'camera'))
  if (index['format'] !== 'videostream bundle 1') report('index.json', 'its format is not the one that is known here')
  const events = [index['event'], ...listIn(index, 'merged_events')].filter(isRow)
  for (const [subject, { state, entry }] of said.events) compare(subject.replace(':', ' '), events.filter(row => `event:${String(row['id'])}` === subject), state, entry)
  for (const row of events) {
    const name = `event ${String(row['id'])}`
    const state = said.events.get(`event:${String(row['id'])}`)?.state
    if (state === undefined) report(name, 'no entry of the ledger tells of it')
    checkMembers(name, row, [...STATE, ...MADE, ...UNPROVED])
    checkTimes(name, row, ['started_at', 'last_detected_at', 'ended_at'])
    const untold = STATE.filter(key => state !== undefined && !(key in state) && row[key] !== null && row[key] !== 0)
    if (untold.length > 0) report(name, `its ${untold.join(', ')} is not proved by the ledger`)
  }
  const camera = index['camera']
  if (isRow(camera)) {
    if (checkMembers('camera', camera, CAMERA) && isRow(index['event']) && camera['camera_id'] !== index['event']['camera_id']) report('camera', 'it is not the one of the event')
  } else if (camera !== undefined) report('index.json', 'its camera is no object')
  const reviews = listIn(index, 'reviews')
  for (const [id, { review, entry }] of said.reviews) compare(`review ${id}`, reviews.filter(row => row['review_id'] === id), review, entry)
  for (const row of reviews) {
    const name = `review ${String(row['review_id'])}`
    if (!said.reviews.has(Number(row['review_id']))) report(name, 'no entry of the ledger tells of it')
    checkMembers(name, row, REVIEW)
    checkTimes(name, row, ['at'])
  }
  const clips = listIn(index, 'clips')
  for (const [id, { clip: { event_id: _, ...clip }, entry }] of said.closed) {
    const rows = clips.filter(row => row['clip_id'] === id)
    if (!isDeleted || rows.length > 0) compare(`clip ${id}`, rows, clip, entry)
  }
  for (const row of clips) {
    const name = `clip ${String(row['clip_id'])}`
    const isClosed = said.closed.has(Number(row['clip_id']))
    if (!isClosed && !said.frames.has(Number(row['clip_id']))) report(name, 'no entry of the ledger tells of it')
    if (!checkMembers(name, row, CLIP)) continue
    if (isRow(index['event']) && row['event_id'] !== index['event']['id']) report(name, 'it is not one of the event')
    if ((row['closed_at_ms'] !== null) !== isClosed || (!isClosed && row['sha256'] !== null)) report(name, 'whether it was closed is not as the ledger tells')
  }
}

/** What index.json says of files must be what the ledger and the rows that it proves say. */
function checkList (index: Row, told: Map<string, Row>): void {
  const files = listIn(index, 'files')
  for (const [path, { state, ...row }] of told) {
    const rows = files.filter(each => each['path'] === path)
    const differing = Object.keys(row).find(key => rows.some(each => canonical(each[key] ?? null) !== canonical(row[key] ?? null)))
    if (rows.length !== 1) report(path, `is ${rows.length} times in the files of index.json`)
    else if (differing !== undefined) report(path, `its ${differing} in index.json is not the one that is proved`)
    else if (state !== rows[0]?.['state'] && (state !== 'included' || existsSync(join(folder, path)))) report(path, `its state in index.json is not ${String(state)}`)
  }
  for (const file of files) {
    const path = String(file['path'])
    checkMembers(path, file, 'problem' in file ? [...FILE, 'problem'] : FILE)
    if (!told.has(path)) report(path, 'no entry of the ledger tells of it')
  }
}

/** Reads a file once, and compares its frames and its length. */
async function checkFile (path: string, frames: Frame[], wholeHash: Json | undefined): Promise<void> {
  const whole = createHash('sha256')
  let [at, nth, hash] = [0, 0, createHash('sha256')]
  const size = frames.reduce((sum, { length }) => sum + length, 0)
  try {
    for await (const chunk of createReadStream(join(folder, path))) {
      const bytes = Buffer.from(chunk)
      whole.update(bytes)
      for (let from = 0; from < bytes.length;) {
        const frame = frames[nth]
        if (frame === undefined) return report(path, `has more than ${size} bytes`)
        const to = Math.min(bytes.length, from + frame.from + frame.length - at)
        hash.update(bytes.subarray(from, to))
        at += to - from
        from = to
        if (at < frame.from + frame.length) continue
        if (hash.digest('hex') !== frame.sha256) return report(path, `frame ${frame.number} (bytes ${frame.from}-${at - 1}) differs`)
        hash = createHash('sha256')
        nth += 1
      }
    }
  } catch (error) {
    return report(path, error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'is missing' : `cannot be read (${String(error)})`)
  }
  if (at < size) report(path, `ends at byte ${at}, in frame ${frames[nth]?.number ?? 0}, but should have ${size} bytes`)
  else if (typeof wholeHash === 'string' && whole.digest('hex') !== wholeHash) report(path, 'its SHA-256 is not the recorded one')
}

/** Whether the evidence of the event was deleted. */
function isDeletedIn (said: Said): boolean {
  return [...said.events.values()].some(({ state }) => state['merged_into'] === null && state['evidence_state'] === 'deleted')
}

/** Checks every file that the ledger and the rows that it proves tell of. */
async function checkFiles (said: Said, detections: Map<string, Row>, clips: Map<number, Frame[]>, index: Row): Promise<number> {
  const isDeleted = isDeletedIn(said)
  const told = new Map<string, Row>()
  const tell = (kind: string, path: string, state: string, sha256: Json | undefined, length: Json | undefined): void => {
    told.set(path, { kind, path, state: state === 'kept' ? 'included' : state, sha256: sha256 ?? null, size_bytes: length ?? null })
  }
  for (const [path, row] of detections) tell('frame', path, isDeleted ? 'deleted' : 'kept', row['sha256'], row['size_bytes'])
  for (const { state } of said.events.values()) {
    const [path, evidenceState] = [String(state['frame_path']), String(state['evidence_state'])]
    tell('frame', path, evidenceState, state['frame_sha256'], state['frame_size_bytes'])
    if (evidenceState !== 'kept') notes.push(`${path} is not here: by the ledger it is ${evidenceState} (SHA-256 ${String(state['frame_sha256'])}).`)
  }
  for (const clip of rowsIn(index['clips'])) {
    const clipId = Number(clip['clip_id'])
    const closed = said.closed.get(clipId)?.clip
    const length = (clips.get(clipId) ?? []).reduce((sum, frame) => sum + frame.length, 0)
    if (clip['size_bytes'] !== length && !isDeleted) report(`clip ${clipId}`, `its size_bytes is not ${length}, the sum of its frames`)
    if (closed === undefined) notes.push(`${String(clip['path'])} was still growing: its name and the role of each of its frames are not proved, its frames are.`)
    tell('clip', String(clip['path']), isDeleted ? 'deleted' : 'kept', closed?.['sha256'], closed?.['size_bytes'] ?? length)
  }
  checkList(index, told)
  let files = 0
  for (const [path, { kind, state, sha256, size_bytes: length }] of told) {
    if (state !== 'included') continue
    files += 1
    const clipId = rowsIn(index['clips']).find(clip => clip['path'] === path)?.['clip_id']
    await checkFile(path, kind === 'clip' ? clips.get(Number(clipId)) ?? [] : [{ number: 1, from: 0, length: Number(length), sha256: String(sha256) }], sha256)
  }
  for (const { path, state, problem } of rowsIn(index['files'])) {
    if (problem !== undefined || state !== 'included') notes.push(`${String(path)}: index.json says of when the bundle was made: ${String(problem ?? state)}.`)
  }
  return files
}

try {
  const [index, proof] = [readJson('index.json'), readJson('checkpoint.json')]
  const heads = signedHeads(proof)
  const { said, shown, withheld } = await checkLedger(heads)
  if (Number(index['last_sequence']) < Math.max(0, ...heads.keys()) || !Number.isInteger(index['last_sequence'])) report('index.json', 'its last_sequence is not behind the last signed head')
  checkRows(said, index, isDeletedIn(said))
  const detections = await checkDetections(said, index)
  const clips = await checkFrames(said)
  const files = await checkFiles(said, detections.files, clips, index)
  const frames = [...clips.values()].reduce((sum, each) => sum + each.length, 0)
  console.log(`Checked: ${shown} entries of the ledger on this event, the places of ${withheld} others, ${heads.size} signatures, ${detections.count} detections, ${frames} frames of clips, ${files} files.`)
  console.log(`Not checked: what the ${withheld} entries on anything else say, whether there are entries after the last one shown, and in index.json: made_at, last_sequence, the description of the camera, ${UNPROVED.join(', ')} of events, closed_at_ms of clips and the problem of files.`)
  for (const note of notes) console.log(note)
  console.log(findings === 0 ? 'Nothing was found to be wrong.' : `${findings} ${findings === 1 ? 'thing is' : 'things are'} not as written.`)
  process.exitCode = findings === 0 ? 0 : 1
} catch (error) {
  console.log(`It could not be checked: ${String(error)}`)
  process.exitCode = 2
}
