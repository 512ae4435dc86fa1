import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { canonicalJson, type Json } from '../../src/core/canonical-json.js'
import { contentHash, GENESIS_HASH, linkHash, type LedgerPayload } from '../../src/core/ledger.js'
import { temporaryFolder } from '../helper.js'
import { randomFrom, type Random } from '../random.js'
import { makeHistory } from '../store/history-fixture.js'
import { bundleOf, verifyBundle } from '../store/unpacked-bundle.js'

/** Whatever of a bundle is altered that the ledger proves, its own verifier names it: some hundred mutations, the same ones for the same seed. */
const SEED = Number(process.env['TAMPERING_SEED'] ?? 20230623)
const ROUNDS = Number(process.env['TAMPERING_ROUNDS'] ?? 15)

type Row = Record<string, Json>

const dataFolder = makeHistoryFolder()
const bundle = await bundleOf(t, dataFolder, 2)

function makeHistoryFolder (): string {
  const { folder, database } = makeHistory(temporaryFolder(t), randomFrom(SEED))
  database.close()
  return folder
}

const read = (name: string): Buffer => readFileSync(join(bundle, name))
const linesOf = (name: string): Row[] => read(name).toString().trimEnd().split('\n').map(line => JSON.parse(line) as Row)
const textOf = (rows: Row[]): string => rows.map(row => `${JSON.stringify(row)}\n`).join('')
const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T
const files = readdirSync(join(bundle, 'oil_spill_frames')).map(name => `oil_spill_frames/${name}`)
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

interface Index { event: Row, merged_events: Row[], camera: Row, clips: Row[], files: Row[] }

const indexOf = (): Index => JSON.parse(read('index.json').toString()) as Index

/** Another value of the same kind. */
function flipped (random: Random, value: Json): Json {
  if (typeof value === 'number') return Number.isInteger(value) ? value ^ (1 << random(10)) : value / 2
  if (typeof value === 'string') {
    const at = random(value.length)
    return `${value.slice(0, at)}${String.fromCharCode(value.charCodeAt(at) ^ 1)}${value.slice(at + 1)}`
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return flippedIn(random, value as Row)
  return 1
}

function flippedIn (random: Random, row: Row, columns = Object.keys(row)): Row {
  for (;;) {
    const column = pick(random, columns)
    const value = row[column]
    if (value !== null && value !== undefined && value !== '') return { ...row, [column]: flipped(random, value) }
  }
}

/** Chains a ledger anew, as somebody can who has not the key. */
function chained (rows: Row[]): Row[] {
  let previousHash = String(rows[0]?.['previous_hash'] ?? GENESIS_HASH)
  return rows.map(row => {
    const { at_ms: atMs, actor, action, subject, payload, salt } = row as { at_ms: number, actor: string, action: string, subject: string, payload?: LedgerPayload, salt: string }
    const content = payload === undefined ? String(row['content_hash']) : contentHash({ salt, atMs, actor, action, subject, payload })
    const hash = linkHash(Number(row['sequence']), content, previousHash)
    const next = { ...row, previous_hash: previousHash, hash }
    previousHash = hash
    return next
  })
}

interface Mutation { readonly file: string, readonly content: string | Buffer | undefined, readonly named: RegExp }

const ledger = (content: Row[], row: Row | undefined): Mutation => ({ file: 'ledger.ndjson', content: textOf(content), named: new RegExp(`^ledger row ${String(row?.['sequence'])}:`, 'm') })

const MUTATIONS: Record<string, (random: Random) => Mutation> = {
  'a value of an entry' (random) {
    const rows = linesOf('ledger.ndjson')
    const at = random(rows.length)
    const columns = Object.keys(rows[at] ?? {}).filter(each => each !== 'sequence')
    return ledger(rows.with(at, flippedIn(random, rows[at] ?? {}, columns)), rows[at])
  },
  'an entry is dropped' (random) {
    const rows = linesOf('ledger.ndjson')
    const at = random(rows.length)
    // The one behind it does not follow; or, at the end, no signature names what is the last one then.
    const signed = at === rows.length - 1 || rows[at + 1]?.['sequence'] !== Number(rows[at]?.['sequence']) + 1
    const first = at === 0 || rows[at - 1]?.['sequence'] !== Number(rows[at]?.['sequence']) - 1
    const named = first && !signed ? '(event|detection|frame|review|clip|one of|ledger row)' : `ledger row (${String(rows[at - 1]?.['sequence'])}|${String(rows[at]?.['sequence'])}):`
    return { file: 'ledger.ndjson', content: textOf(rows.toSpliced(at, 1)), named: new RegExp(`^${named}`, 'm') }
  },
  'two entries change places' (random) {
    const rows = linesOf('ledger.ndjson')
    const at = random(rows.length - 1)
    return ledger(rows.with(at, rows[at + 1] ?? {}).with(at + 1, rows[at] ?? {}), rows[at])
  },
  'an entry is altered, and its stretch chained anew' (random) {
    const rows = linesOf('ledger.ndjson')
    const at = random(rows.length)
    const altered = rows.with(at, { ...rows[at], ...(rows[at]?.['payload'] === undefined ? { content_hash: 'f'.repeat(64) } : { actor: 'user:eve' }) })
    return { file: 'ledger.ndjson', content: textOf(chained(altered)), named: /^ledger row \d+: it is not the one that the signed head names$/m }
  },
  'a signature, or what it is of' (random) {
    const proof = JSON.parse(read('checkpoint.json').toString()) as { checkpoints: Row[] }
    const at = random(proof.checkpoints.length)
    const checkpoint = flippedIn(random, proof.checkpoints[at] ?? {}, ['sequence', 'hash', 'at_ms', 'key_id', 'signature'])
    return { file: 'checkpoint.json', content: JSON.stringify({ ...proof, checkpoints: proof.checkpoints.with(at, checkpoint) }), named: new RegExp(`^checkpoint ${String(checkpoint['sequence'])}:`, 'm') }
  },
  'a value of a detection' (random) {
    const rows = linesOf('detections.ndjson')
    const at = random(rows.length)
    const columns = Object.keys(rows[at] ?? {}).filter(each => each !== 'id')
    return { file: 'detections.ndjson', content: textOf(rows.with(at, flippedIn(random, rows[at] ?? {}, columns))), named: /^(one of the detections|detection) \d+/m }
  },
  'a detection is dropped' (random) {
    const rows = linesOf('detections.ndjson')
    return { file: 'detections.ndjson', content: textOf(rows.toSpliced(random(rows.length), 1)), named: /^(one of the detections|detection) \d+/m }
  },
  'a detection is made up' (random) {
    const rows = linesOf('detections.ndjson')
    const row = pick(random, rows)
    return { file: 'detections.ndjson', content: textOf([...rows, { ...row, id: 5000 }]), named: /^detection 5000: no entry of the ledger tells of it$/m }
  },
  'a value of a frame in the index of a clip' (random) {
    const rows = linesOf('clip_frames.ndjson')
    const at = random(rows.length)
    const columns = Object.keys(rows[at] ?? {}).filter(each => each !== 'clip_id' && each !== 'number')
    return { file: 'clip_frames.ndjson', content: textOf(rows.with(at, flippedIn(random, rows[at] ?? {}, columns))), named: new RegExp(`^(one of the frames|frame).* of clip ${String(rows[at]?.['clip_id'])}:`, 'm') }
  },
  'a frame is dropped from the index of a clip' (random) {
    const rows = linesOf('clip_frames.ndjson')
    return { file: 'clip_frames.ndjson', content: textOf(rows.toSpliced(random(rows.length), 1)), named: /^(one of the frames|frame).* of clip \d+:/m }
  },
  'what the ledger says of the event' (random) {
    const index = JSON.parse(read('index.json').toString()) as { event: Row }
    const event = flippedIn(random, index.event, ['started_at_ms', 'last_detected_at_ms', 'ended_at_ms', 'frame_path', 'frame_sha256', 'frame_size_bytes', 'camera_id', 'evidence_state'])
    return { file: 'index.json', content: JSON.stringify({ ...index, event }), named: /^event 2: its \w+ is not as ledger row \d+ tells$/m }
  },
  'what detections say of the event' (random) {
    const index = indexOf()
    const column = pick(random, ['latitude', 'longitude', 'peak_confidence', 'frame_width', 'frame_height'])
    const event = { ...index.event, [column]: random(4) === 0 ? null : Number(index.event[column]) + 0.125 }
    return { file: 'index.json', content: JSON.stringify({ ...index, event }), named: new RegExp(`^event 2: its .*${column}.* (is|are) not th(at|ose) of its`, 'm') }
  },
  'what detections say of an event that was merged' (random) {
    const index = indexOf()
    const column = pick(random, ['latitude', 'longitude', 'peak_confidence', 'frame_width', 'frame_height'])
    const parts = index.merged_events.map(part => ({ ...part, [column]: Number(part[column]) + 0.125 }))
    return { file: 'index.json', content: JSON.stringify({ ...index, merged_events: parts }), named: new RegExp(`^event 3: its .*${column}.* (is|are) not th(at|ose) of its`, 'm') }
  },
  'a time in words' (random) {
    const index = indexOf()
    return { file: 'index.json', content: JSON.stringify({ ...index, event: flippedIn(random, index.event, ['started_at', 'last_detected_at', 'ended_at']) }), named: /^event 2: its \w+ is not the same as its \w+_ms$/m }
  },
  'what is said of a file' (random) {
    const index = indexOf()
    const at = random(index.files.length)
    const path = String(index.files[at]?.['path'])
    const file = flippedIn(random, index.files[at] ?? {}, ['kind', 'sha256', 'size_bytes', 'state'])
    return { file: 'index.json', content: JSON.stringify({ ...index, files: index.files.with(at, file) }), named: new RegExp(`^${escaped(path)}: its (kind|sha256|size_bytes|state) in index.json is not `, 'm') }
  },
  'a file is not told of, or twice, or is made up' (random) {
    const index = indexOf()
    const at = random(index.files.length)
    const path = String(index.files[at]?.['path'])
    const [files, named] = pick(random, [
      [index.files.toSpliced(at, 1), path], [[...index.files, index.files[at] ?? {}], path],
      [[...index.files, { ...index.files[at], path: 'oil_spill_frames/made_up.jpg' }], 'oil_spill_frames/made_up.jpg']
    ] as const)
    return { file: 'index.json', content: JSON.stringify({ ...index, files }), named: new RegExp(`^${escaped(named)}: (is \\d times in the files|no entry)`, 'm') }
  },
  'a member is made up' (random) {
    const index = indexOf()
    const made = { seen_by: 'the coast guard' }
    const content = pick(random, [
      { ...index, ...made }, { ...index, event: { ...index.event, ...made } }, { ...index, merged_events: index.merged_events.map(each => ({ ...each, ...made })) },
      { ...index, files: index.files.map(each => ({ ...each, ...made })) }, { ...index, clips: index.clips.map(each => ({ ...each, ...made })) },
      { ...index, camera: { ...index.camera, ...made } }
    ])
    return { file: 'index.json', content: JSON.stringify(content), named: /^[\w ./]+: its member seen_by is not proved by the ledger$/m }
  },
  'a member of an entry is made up' (random) {
    const rows = linesOf('ledger.ndjson')
    const at = random(rows.length)
    return ledger(rows.with(at, { ...rows[at], seen_by: 'the coast guard' }), rows[at])
  },
  'the statement of a signature, or the key beside it' (random) {
    const proof = JSON.parse(read('checkpoint.json').toString()) as { checkpoints: Row[] }
    const at = random(proof.checkpoints.length)
    const row = proof.checkpoints[at] ?? {}
    const checkpoint = random(4) === 0 ? { ...row, seen_by: 'the coast guard' } : flippedIn(random, row, ['statement', 'statement', 'type', 'public_key'])
    return { file: 'checkpoint.json', content: JSON.stringify({ ...proof, checkpoints: proof.checkpoints.with(at, checkpoint) }), named: new RegExp(`^checkpoint ${String(row['sequence'])}: its `, 'm') }
  },
  'what the ledger says of a clip' (random) {
    const index = JSON.parse(read('index.json').toString()) as { clips: Row[] }
    const clip = flippedIn(random, index.clips[0] ?? {}, ['path', 'size_bytes', 'sha256', 'truncated'])
    return { file: 'index.json', content: JSON.stringify({ ...index, clips: [clip] }), named: /^clip 2: its \w+ is not as ledger row \d+ tells$/m }
  },
  'one byte of a file' (random) {
    const file = pick(random, files)
    const bytes = read(file)
    const at = random(bytes.length)
    bytes[at] = Number(bytes[at]) ^ (1 + random(255))
    return { file, content: bytes, named: new RegExp(`^${escaped(file)}: frame \\d+ \\(bytes \\d+-\\d+\\) differs$`, 'm') }
  },
  'the end of a file' (random) {
    const file = pick(random, files)
    const bytes = read(file)
    const content = random(2) === 0 ? bytes.subarray(0, random(bytes.length)) : Buffer.concat([bytes, Buffer.from('x')])
    return { file, content, named: new RegExp(`^${escaped(file)}: (ends at byte|has more than) \\d+`, 'm') }
  },
  'a file is removed' (random) {
    const file = pick(random, files)
    return { file, content: undefined, named: new RegExp(`^${escaped(file)}: is missing$`, 'm') }
  }
}

t.test('nothing is found where nothing was touched', async t => {
  t.match(await verifyBundle(bundle), { exitCode: 0 })
  t.equal(canonicalJson(linesOf('detections.ndjson')[0] ?? {}), read('detections.ndjson').toString().split('\n')[0])
})

for (const [name, mutate] of Object.entries(MUTATIONS)) {
  t.test(`${name}, ${ROUNDS} times`, async t => {
    const random = randomFrom(SEED + name.length)
    for (let round = 0; round < ROUNDS; round += 1) {
      const { file, content, named } = mutate(random)
      const whole = read(file)
      if (content === undefined) rmSync(join(bundle, file))
      else writeFileSync(join(bundle, file), content)
      const { exitCode, lines } = await verifyBundle(bundle)
      writeFileSync(join(bundle, file), whole)
      t.match({ exitCode, text: lines.join('\n') }, { exitCode: 1, text: named }, `round ${round}`)
    }
  })
}

t.test('garbage is no reason to crash', async t => {
  const random = randomFrom(SEED)
  for (const file of ['ledger.ndjson', 'detections.ndjson', 'clip_frames.ndjson', 'index.json', 'checkpoint.json']) {
    const whole = read(file)
    for (const content of ['', '[]', 'null\n{}\n', whole.subarray(0, random(whole.length)), Buffer.from(Array.from({ length: 300 }, () => random(256)))]) {
      writeFileSync(join(bundle, file), content)
      const { exitCode, lines } = await verifyBundle(bundle)
      t.ok(exitCode === 1 || exitCode === 2, `${file}: ${exitCode} ${lines[0]}`)
      t.ok(lines.length > 0)
    }
    writeFileSync(join(bundle, file), whole)
  }
  t.match(await verifyBundle(bundle), { exitCode: 0 })
})
