/*
 * Checks the evidence of an oil-spill event that Videostream has handed out, in the folder that this file is in:
 *
 *     node verify.mjs [--public-key FILE]
 *
 * It needs Node.js 18 or newer, and nothing else: no packages, no network. It only reads. README.txt says what the files
 * are. Exit code: 0 all is as it was written, 1 something is not, 2 it could not be checked.
 */
import { createHash, createPublicKey, verify, type Hash, type KeyObject } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Row = Record<string, Json>

/** Rows that an entry of the ledger tells of, with one hash for all of them. */
interface Told { first: number, last: number, count: number, digest: string, entry: number }

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

/** The public keys whose signatures count, by their names. */
function keysOf (proof: Row): Map<string, KeyObject> {
  const at = process.argv.indexOf('--public-key')
  const file = process.argv[at + 1]
  if (at !== -1 && file === undefined) throw new Error('--public-key wants a file')
  const pems = at === -1 ? rowsIn(proof['public_keys']).map(each => String(each['public_key'])) : [readFileSync(String(file), 'utf8')]
  const keys = pems.map(pem => createPublicKey(pem))
  const named = new Map(keys.map(key => [createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16), key]))
  if (at === -1) notes.push(`The key came with the bundle: compare ${[...named.keys()].join(', ')} with what the server's /api/integrity said, or use --public-key.`)
  return named
}

/** The signed heads, by the number of the entry that they name. */
function signedHeads (proof: Row): Map<number, string> {
  const keys = keysOf(proof)
  const heads = new Map<number, string>()
  for (const { sequence, hash, at_ms: atMs, key_id: keyId, signature } of rowsIn(proof['checkpoints'])) {
    const statement = canonical({ type: 'videostream ledger head 1', sequence: sequence ?? 0, hash: hash ?? '', at_ms: atMs ?? 0, key_id: keyId ?? '' })
    const key = keys.get(String(keyId))
    const bytes = Buffer.from(String(signature), 'base64')
    if (key === undefined) report(`checkpoint ${String(sequence)}`, `it is signed with the key ${String(keyId)}, which is not the one to trust`)
    else if (bytes.toString('base64') !== signature || !verify(null, Buffer.from(statement), key, bytes)) report(`checkpoint ${String(sequence)}`, 'its signature is not right')
    else heads.set(Number(sequence), String(hash))
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
    if (hash !== row['hash']) report(name, 'its hash is not that of its content')
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
  if (isRow(detections)) said.detections.push(toldBy(detections, 'id', entry))
  for (const each of isRow(frames) ? [frames] : rowsIn(frames)) {
    const clipId = Number(each['clip_id'])
    said.frames.set(clipId, [...said.frames.get(clipId) ?? [], toldBy(each, 'number', entry)])
  }
  if (isRow(review)) said.reviews.set(Number(review['review_id']), { review, entry })
  if (action === 'clip.closed' && isRow(clip)) said.closed.set(Number(clip['clip_id']), { clip, entry })
}

function toldBy (part: Row, key: string, entry: number): Told {
  return { first: Number(part[`first_${key}`]), last: Number(part[`last_${key}`]), count: Number(part['count']), digest: String(part['digest']), entry }
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

  take (number: number, row: Row): void {
    while (this.#told[0] !== undefined && number > this.#told[0].last) this.#end(this.#told[0])
    const told = this.#told[0]
    if (told === undefined || number < told.first) return report(this.#name(number, number), 'no entry of the ledger tells of it')
    this.#hash.update(`${canonical(row)}\n`)
    this.#count += 1
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

/** Checks the rows of detections. Returns the frames of them that are kept in files, by path. */
async function checkDetections (said: Said): Promise<{ count: number, files: Map<string, Row> }> {
  const digests = new Digests(said.detections, nameOf('detection'))
  const firstTold = Math.min(...said.detections.map(each => each.first))
  const files = new Map<string, Row>()
  let [count, unproved] = [0, 0]
  for await (const row of linesOf('detections.ndjson')) {
    count += 1
    if (said.isAdopted && Number(row['id']) < firstTold) unproved += 1
    else digests.take(Number(row['id']), row)
    if (typeof row['frame_path'] === 'string') files.set(row['frame_path'], row)
  }
  digests.end()
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

/** Everything that an entry says of a row must be so in the row. */
function compare (name: string, row: Row | undefined, saying: Row, entry: number): void {
  if (row === undefined) return report(name, `is missing in index.json: ledger row ${entry} tells of it`)
  const differing = Object.keys(saying).find(key => key in row && canonical(row[key] ?? null) !== canonical(saying[key] ?? null))
  if (differing !== undefined) report(name, `its ${differing} is not as ledger row ${entry} tells`)
}

function checkRows (said: Said, index: Row): void {
  const events = [index['event'], ...rowsIn(index['merged_events'])].filter(isRow)
  for (const [subject, { state, entry }] of said.events) compare(subject.replace(':', ' '), events.find(row => `event:${String(row['id'])}` === subject), state, entry)
  for (const { id } of events) if (!said.events.has(`event:${String(id)}`)) report(`event ${String(id)}`, 'no entry of the ledger tells of it')
  const reviews = rowsIn(index['reviews'])
  for (const [id, { review, entry }] of said.reviews) compare(`review ${id}`, reviews.find(row => row['review_id'] === id), review, entry)
  for (const { review_id: id } of reviews) if (!said.reviews.has(Number(id))) report(`review ${String(id)}`, 'no entry of the ledger tells of it')
  const clips = rowsIn(index['clips'])
  for (const [id, { clip, entry }] of said.closed) compare(`clip ${id}`, clips.find(row => row['clip_id'] === id), clip, entry)
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

/** Checks every file that the ledger and the rows that it proves tell of. */
async function checkFiles (said: Said, detections: Map<string, Row>, clips: Map<number, Frame[]>, index: Row): Promise<number> {
  const reasons = new Map(rowsIn(index['files']).map(({ path, state, problem }) => [String(path), String(problem ?? state)]))
  const states = [...said.events.values()].map(({ state }) => state)
  const frames = new Map<string, { sha256: Json | undefined, size_bytes: Json | undefined }>()
  for (const [path, row] of detections) frames.set(path, { sha256: row['sha256'], size_bytes: row['size_bytes'] })
  for (const state of states) {
    const path = String(state['frame_path'])
    if (state['evidence_state'] === 'kept') frames.set(path, { sha256: state['frame_sha256'], size_bytes: state['frame_size_bytes'] })
    else {
      frames.delete(path)
      notes.push(`${path} is not here: by the ledger it is ${String(state['evidence_state'])} (SHA-256 ${String(state['frame_sha256'])}).`)
    }
  }
  const isDeleted = states.some(state => state['merged_into'] === null && state['evidence_state'] === 'deleted')
  let files = 0
  for (const [path, { sha256, size_bytes: length }] of isDeleted ? [] : frames) {
    files += 1
    await checkFile(path, [{ number: 1, from: 0, length: Number(length), sha256: String(sha256) }], sha256)
  }
  for (const clip of isDeleted ? [] : rowsIn(index['clips'])) {
    files += 1
    await checkFile(String(clip['path']), clips.get(Number(clip['clip_id'])) ?? [], said.closed.get(Number(clip['clip_id']))?.clip['sha256'])
  }
  for (const [path, reason] of reasons) if (reason !== 'included') notes.push(`${path}: when the bundle was made: ${reason}.`)
  return files
}

try {
  const [index, proof] = [readJson('index.json'), readJson('checkpoint.json')]
  const heads = signedHeads(proof)
  const { said, shown, withheld } = await checkLedger(heads)
  checkRows(said, index)
  const detections = await checkDetections(said)
  const clips = await checkFrames(said)
  const files = await checkFiles(said, detections.files, clips, index)
  const frames = [...clips.values()].reduce((sum, each) => sum + each.length, 0)
  console.log(`Checked: ${shown} entries of the ledger on this event, the places of ${withheld} others, ${heads.size} signatures, ${detections.count} detections, ${frames} frames of clips, ${files} files.`)
  console.log(`Not checked: what the ${withheld} entries on anything else say, the description of the camera in index.json, and whether there are entries after the last one shown.`)
  for (const note of notes) console.log(note)
  console.log(findings === 0 ? 'Nothing was found to be wrong.' : `${findings} ${findings === 1 ? 'thing is' : 'things are'} not as written.`)
  process.exitCode = findings === 0 ? 0 : 1
} catch (error) {
  console.log(`It could not be checked: ${String(error)}`)
  process.exitCode = 2
}
