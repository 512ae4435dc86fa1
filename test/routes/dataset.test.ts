import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { Review } from '../../src/core/review.js'
import { FakeClock, jpeg, startServer, temporaryFolder, tokenOf, until, upload } from '../helper.js'
import { keptLog, refused, send, type Answer } from '../http.js'

interface Line { file_name: string, image_url: string | null, path: string, sha256: string, label: string, event_id: number, boxes: unknown, confidence: number | null, camera_id: string, model_version: string | null, offset_bytes: number | null }
interface Coco {
  info: { year: number }
  categories: Array<{ id: number, name: string }>
  images: Array<{ id: number, file_name: string, width: number, height: number, label: string, sha256: string }>
  annotations: Array<{ id: number, image_id: number, category_id: number, bbox: number[] }>
}

const PNG_SIZED = [jpeg({ color: [200, 0, 0] }), jpeg({ color: [0, 200, 0] }), jpeg({ color: [0, 0, 200] }), jpeg({ color: [9, 9, 9] })]
const REVIEWS: Array<Partial<Review> | undefined> = [
  { verdict: 'confirmed', oilAppearanceCode: 3 }, { verdict: 'false_positive', lookAlike: 'ship_wake' }, undefined, { verdict: 'unsure' }
]

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A server with four events of one frame each: confirmed, a ship's wake, not reviewed, and unsure. */
async function setUp (t: Test) {
  const clock = new FakeClock()
  const log = keptLog()
  const server = await startServer(t, {}, { clock, logger: log.logger })
  const { app, url, config } = server
  for (const [at, bytes] of PNG_SIZED.entries()) {
    const headers = { 'X-Detection-Confidence': '0.75', 'X-Model-Version': 'slick-net 2', ...(at < 2 && { 'X-Detection-Boxes': '[{"x":0.25,"y":0.5,"width":0.5,"height":0.25,"label":"oil"}]' }) }
    await upload(url, { spill: true, jpeg: bytes, headers })
    clock.advance(60_000)
    await upload(url)
    clock.advance(60_000)
  }
  for (const [at, review] of REVIEWS.entries()) {
    if (review !== undefined) await app.reviews.review({ eventId: at + 1, username: 'operator', atMs: clock.nowMs() }, { verdict: 'unsure', lookAlike: null, oilAppearanceCode: null, notes: '', ...review })
  }
  const token = await tokenOf(app, 'operator')
  const get = async (query = ''): Promise<Answer> => await send(url, { path: `/api/dataset${query}`, headers: { Authorization: `Bearer ${token}` } })
  const lines = async (query = ''): Promise<Line[]> => (await get(query)).body.toString().split('\n').slice(0, -1).map(line => JSON.parse(line) as Line)
  return { ...server, clock, log, get, lines, dataDir: config.dataDir }
}

/** What is in a ZIP, as Python's own library reads it, which checks every CRC. */
function unpacked (t: Test, zip: Buffer): Record<string, Buffer> {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'a.zip'), zip)
  const script = 'import sys, zipfile, json; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2]); print(json.dumps(z.namelist()))'
  const { stdout, stderr, status } = spawnSync('python3', ['-c', script, join(folder, 'a.zip'), join(folder, 'out')], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return Object.fromEntries((JSON.parse(stdout) as string[]).map(name => [name, readFileSync(join(folder, 'out', name))]))
}

t.test('a line for each reviewed frame, with its label and all that is known of it', async t => {
  const { lines, get, url } = await setUp(t)
  const found = await lines()
  t.match(found, [
    { event_id: 1, label: 'oil_spill', sha256: sha256(PNG_SIZED[0] ?? Buffer.alloc(0)), confidence: 0.75, model_version: 'slick-net 2', camera_id: 'default', boxes: [{ x: 0.25, label: 'oil' }] },
    { event_id: 2, label: 'ship_wake' }
  ])
  t.equal(found.length, 2, 'neither those that nobody reviewed nor those of which nobody is sure')
  const image = await send(url, { path: found[0]?.image_url ?? '' })
  t.equal(sha256(image.body), found[0]?.sha256, 'the address leads to the image')
  const { headers } = await get()
  t.equal(headers['content-type'], 'application/x-ndjson')
  t.equal(headers['content-disposition'], 'attachment; filename="dataset.ndjson"')
})

t.test('filters', async t => {
  const { lines } = await setUp(t)
  const table: Array<[query: string, events: number[]]> = [
    ['?verdict=unsure', [4]],
    ['?verdict=confirmed,unsure', [1, 4]],
    ['?verdict=confirmed&verdict=false_positive', [1, 2]],
    ['?camera=default', [1, 2]],
    ['?camera=rig-4', []],
    ['?from=2023-06-23T14:31:30Z', [2]],
    ['?to=2023-06-23T14:31:30Z', [1]],
    ['?from=2023-06-23&to=2023-06-23', [1, 2]],
    ['?from=2023-06-24', []]
  ]
  for (const [query, events] of table) t.strictSame((await lines(query)).map(({ event_id: id }) => id), events, query)
})

t.test('what cannot be read is refused, before anything is noted', async t => {
  const { app, get } = await setUp(t)
  for (const query of ['?format=csv', '?verdict=maybe', '?verdict=', '?from=yesterday', '?camera=A', '?extra=1']) await refused(t, await get(query), 400, 'REQUEST_INVALID')
  t.equal((await app.audit.page({ action: 'export', actor: null, subject: null }, null, 10)).entries.length, 0)
})

t.test('COCO: every annotation has its image and its category, within the picture', async t => {
  const { get } = await setUp(t)
  const coco = JSON.parse((await get('?format=coco')).body.toString()) as Coco
  t.equal(coco.info.year, 2023)
  t.match(coco.images, [{ id: 1, width: 16, height: 8, label: 'oil_spill', file_name: /^oil_spill_20230623_143022\.jpg$/ }, { id: 2, label: 'ship_wake' }])
  t.match(coco.annotations, [{ id: 1, image_id: 1, category_id: 1, bbox: [4, 4, 8, 2] }, { id: 2, image_id: 2 }])
  t.equal(coco.categories.find(({ id }) => id === coco.annotations[1]?.category_id)?.name, 'ship_wake')
  const empty = JSON.parse((await get('?format=coco&camera=rig-4')).body.toString()) as Coco
  t.strictSame([empty.images, empty.annotations], [[], []])
})

const pycocotools = spawnSync('python3', ['-c', 'import pycocotools.coco'])

t.test('pycocotools reads it', { skip: pycocotools.status === 0 ? false : 'pycocotools is not installed' }, async t => {
  const { get } = await setUp(t)
  const path = join(temporaryFolder(t), 'coco.json')
  writeFileSync(path, (await get('?format=coco')).body)
  const script = 'import sys, json; from pycocotools.coco import COCO; c = COCO(sys.argv[1]); ' +
    'print(json.dumps([c.getImgIds(), c.getAnnIds(catIds=c.getCatIds(catNms=["oil_spill"])), [c.loadImgs(i)[0]["file_name"] for i in c.getImgIds()]]))'
  const { stdout, stderr } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' })
  t.match(JSON.parse(stdout.trim().split('\n').at(-1) ?? stderr), [[1, 2], [1], [/^oil_spill_20230623_143022/, /^oil_spill_20230623_143222/]])
})

t.test('ZIP: the images as the cameras sent them, and the COCO file that names them', async t => {
  const { get } = await setUp(t)
  const answer = await get('?format=zip')
  t.equal(answer.headers['content-type'], 'application/zip')
  const files = unpacked(t, answer.body)
  const coco = JSON.parse(String(files['coco.json'])) as Coco
  t.strictSame(Object.keys(files), [...coco.images.map(({ file_name: name }) => `images/${name}`), 'coco.json'])
  for (const { file_name: name, sha256: hash } of coco.images) t.equal(sha256(files[`images/${name}`] ?? Buffer.alloc(0)), hash)
  t.equal(coco.annotations.length, 2)
  t.strictSame(Object.keys(unpacked(t, (await get('?format=zip&camera=rig-4')).body)), ['coco.json'], 'also with nothing to show')
})

t.test('frames of clips that the detector reported are in it, those before and after are not', async t => {
  const { get, lines, url, clock, app } = await setUp(t)
  const [opening, during] = [jpeg({ color: [1, 2, 3] }), jpeg({ color: [4, 5, 6] })]
  await upload(url, { jpeg: jpeg({ color: [7, 8, 9] }) })
  clock.advance(1000)
  for (const bytes of [opening, during]) {
    await upload(url, { jpeg: bytes, spill: true, headers: { 'X-Detection-Confidence': '0.9', 'X-Detection-Boxes': '[{"x":0,"y":0,"width":1,"height":1}]' } })
    clock.advance(1000)
  }
  await upload(url, { jpeg: jpeg({ color: [10, 11, 12] }) })
  await app.reviews.review({ eventId: 5, username: 'operator', atMs: clock.nowMs() }, { verdict: 'confirmed', lookAlike: null, oilAppearanceCode: null, notes: '' })
  const from = `?verdict=confirmed&from=${new Date(clock.nowMs() - 5000).toISOString()}`
  await until(async () => (await lines(from)).length === 2, 'the clip')
  const [first, second] = await lines(from)
  t.match(first, { path: /\.jpg$/, offset_bytes: null, sha256: sha256(opening), label: 'oil_spill' })
  t.match(second, { path: /\.mjpeg$/, offset_bytes: Number, sha256: sha256(during), confidence: 0.9, label: 'oil_spill', boxes: [{ width: 1 }] })
  t.equal(sha256((await send(url, { path: String(second?.image_url) })).body), sha256(during), 'the address leads to the image')
  const files = unpacked(t, (await get(`${from}&format=zip`)).body)
  t.strictSame(Object.keys(files), [`images/${first?.file_name}`, `images/${second?.file_name}`, 'coco.json'])
  t.equal(sha256(files[`images/${second?.file_name}`] ?? Buffer.alloc(0)), sha256(during))
})

t.test('images that are missing or altered are left out of the ZIP, and logged', async t => {
  const { get, dataDir, lines, log } = await setUp(t)
  const [first, second] = await lines()
  rmSync(join(dataDir, first?.path ?? ''))
  writeFileSync(join(dataDir, second?.path ?? ''), 'altered')
  const files = unpacked(t, (await get('?format=zip')).body)
  t.strictSame(Object.keys(files), ['coco.json'])
  t.match(JSON.parse(String(files['coco.json'])), { images: [], annotations: [] })
  t.equal(log.lines.filter(({ msg }) => msg === 'an image was left out of an export').length, 2)
})

t.test('a path in the database that is none of evidence is not followed', async t => {
  const { get, dataDir } = await setUp(t)
  const secret = Buffer.from('a secret')
  mkdirSync(join(dataDir, 'other'))
  writeFileSync(join(dataDir, 'other/secret'), secret)
  const database = new Database(join(dataDir, 'videostream.db'))
  database.prepare('UPDATE detections SET frame_path = \'oil_spill_frames/../other/secret\', sha256 = ?, size_bytes = ? WHERE event_id = 1').run(sha256(secret), secret.length)
  database.close()
  t.notMatch((await get('?format=zip')).body.toString('latin1'), 'a secret')
})

t.test('evidence that was deleted is left out', async t => {
  const { lines, dataDir } = await setUp(t)
  const database = new Database(join(dataDir, 'videostream.db'))
  database.exec('UPDATE oil_spill_events SET evidence_state = \'deleted\' WHERE id = 1; UPDATE oil_spill_events SET evidence_state = \'missing\' WHERE id = 2')
  database.close()
  t.strictSame(await lines(), [])
})

t.test('each export is noted in the ledger, with who and what', async t => {
  const { get, app } = await setUp(t)
  await get('?format=zip&verdict=confirmed&camera=default&from=2023-06-23')
  t.match((await app.audit.page({ action: 'export', actor: null, subject: null }, null, 10)).entries, [{
    actor: 'user:operator', subject: 'server', payload: { what: 'dataset', format: 'zip', verdicts: ['confirmed'], camera: 'default', from_ms: Date.UTC(2023, 5, 23), to_ms: null }
  }])
})

t.test('a ZIP that nobody reads on is given up, and so many exports at once are enough', async t => {
  const { app, url, clock } = await setUp(t)
  const token = await tokenOf(app, 'operator')
  const big = jpeg({ width: 4000, height: 3000 })
  for (let i = 0; i < 30; i += 1) {
    await upload(url, { spill: true, jpeg: Buffer.concat([big.subarray(0, 2), Buffer.from([0xff, 0xfe, 0, 4, 0, i]), big.subarray(2)]) })
    clock.advance(60_000)
    await upload(url)
    clock.advance(60_000)
    await app.reviews.review({ eventId: 5 + i, username: 'operator', atMs: clock.nowMs() }, { verdict: 'confirmed', lookAlike: null, oilAppearanceCode: null, notes: '' })
  }
  const answers = await Promise.all(Array.from({ length: 4 }, async () => await fetch(`${url}/api/dataset?format=zip`, { headers: { Authorization: `Bearer ${token}` } })))
  t.strictSame(answers.map(({ status }) => status), [200, 200, 200, 200])
  const fifth = await send(url, { path: '/api/dataset', headers: { Authorization: `Bearer ${token}` } })
  await refused(t, fifth, 503, 'READS_BUSY')
  await Promise.all(answers.map(async ({ body }) => { await body?.cancel() }))
  await until(async () => (await send(url, { path: '/api/dataset', headers: { Authorization: `Bearer ${token}` } })).status === 200, 'room for another one')
})

t.test('it is for operators', async t => {
  const { app, url } = await setUp(t)
  await refused(t, await send(url, { path: '/api/dataset', headers: { Authorization: `Bearer ${await tokenOf(app, 'viewer')}` } }), 403, 'ROLE_MISSING')
  t.equal((await send(url, { method: 'HEAD', path: '/api/dataset', headers: { Authorization: `Bearer ${await tokenOf(app, 'operator')}` } })).status, 405)
})
