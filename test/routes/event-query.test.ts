import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { ADMIN_PASSWORD, startServer, tokenOf, upload, type TestServer } from '../helper.js'
import { refused, send, type Answer } from '../http.js'

interface Made { camera?: string, at: string, ended?: string | null, confidence?: number, place?: [number, number], verdict?: string, notes?: string }

/** Writes events straight into the database, as the server would. */
function insert ({ config }: TestServer, ...made: Made[]): void {
  const database = new Database(join(config.dataDir, 'videostream.db'))
  for (const [nth, { camera = 'default', at, ended = at, confidence = null, place, verdict, notes = '' }] of made.entries()) {
    database.prepare('INSERT OR IGNORE INTO cameras (camera_id) VALUES (?)').run(camera)
    const { lastInsertRowid: id } = database.prepare(`INSERT INTO oil_spill_events (camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height,
      started_at_ms, last_detected_at_ms, ended_at_ms, peak_confidence, longitude, latitude) VALUES (?, ?, ?, 1, 1, 1, ?, ?, ?, ?, ?, ?)`)
      .run(camera, `${camera === 'late' ? 'late ' : ''}${nth}.jpg`, '0'.repeat(64), Date.parse(at), Date.parse(at), ended === null ? null : Date.parse(ended), confidence, place?.[0], place?.[1])
    if (verdict === undefined) continue
    database.prepare('INSERT INTO reviews (event_id, at_ms, reviewer, verdict, notes) VALUES (?, 0, \'ann\', ?, ?)').run(id, verdict, notes)
    database.prepare('UPDATE oil_spill_events SET verdict = ? WHERE id = ?').run(verdict, id)
  }
  database.close()
}

const PATH = '/api/oil_spill_events'
const ids = ({ body }: Answer): number[] => (JSON.parse(body.toString()) as Array<{ id: number }>).map(({ id }) => id)

t.test('filters, each for itself and together', async t => {
  const server = await startServer(t)
  insert(server,
    { at: '2026-03-01T10:00:00Z', ended: '2026-03-02T10:00:00Z', confidence: 0.9, place: [179.5, 10], verdict: 'confirmed', notes: 'Thick sheen, NW of the rig' },
    { camera: 'north', at: '2026-03-02T12:00:00Z', confidence: 0.4, place: [2, 58], verdict: 'false_positive', notes: 'ship\'s "wake" (AND) glint*' },
    { camera: 'south', at: '2026-03-02T23:59:59.999Z', ended: '2026-03-03T01:00:00Z', place: [-179, 12] },
    { at: '2026-03-05T00:00:00Z', ended: null, confidence: 0.95 })
  const table: Array<[query: string, expected: number[]]> = [
    ['', [1, 2, 3, 4]],
    ['camera=north', [2]],
    ['camera=north,south', [2, 3]],
    ['camera=north&camera=south', [2, 3]],
    ['camera=nowhere', []],
    ['from=2026-03-02', [1, 2, 3, 4]],
    ['from=2026-03-02T10:00:00Z', [1, 2, 3, 4]],
    ['from=2026-03-02T10:00:00.001Z', [2, 3, 4]],
    ['from=2026-03-02T12:00:00.001%2B02:00', [2, 3, 4]],
    ['from=2026-03-02T12:00:00.001+02:00', [2, 3, 4]],
    ['from=2026-03-02T10:00:00.001000', [2, 3, 4]],
    ['from=2030-01-01', [4]],
    ['to=2026-03-01', [1]],
    ['to=2026-03-02', [1, 2, 3]],
    ['from=2026-03-02T11:00:00&to=2026-03-02T13:00:00', [2]],
    ['state=open', [4]],
    ['state=ended', [1, 2, 3]],
    ['verdict=confirmed', [1]],
    ['verdict=unreviewed', [3, 4]],
    ['min_confidence=0.9', [1, 4]],
    ['min_confidence=0', [1, 2, 4]],
    ['bbox=-5,50,12.5,62', [2]],
    ['bbox=170,-20,-170,20', [1, 3]],
    ['bbox=-180,-90,180,90', [1, 2, 3]],
    ['q=SHEEN', [1]],
    ['q=rig+thick', [1]],
    ['q=wake', [2]],
    ['q=%22wake', [2]],
    ['q=shee', []],
    ['sort=-started_at', [4, 3, 2, 1]],
    ['sort=-started_at&camera=default', [4, 1]],
    ['camera=default&from=2026-03-02&state=ended&verdict=confirmed&min_confidence=0.5&bbox=170,0,180,20&q=sheen', [1]]
  ]
  const headers = { Authorization: `Bearer ${await tokenOf(server.app, 'viewer')}` }
  for (const [query, expected] of table) {
    const answer = await send(server.url, { path: `${PATH}?${query}`, ...(query.includes('q=') && { headers }) })
    t.strictSame(ids(answer), expected, `${query}: ${answer.status}`)
  }
})

t.test('whatever a person types into q is no mistake', async t => {
  const server = await startServer(t)
  insert(server, { at: '2026-03-01T10:00:00Z', verdict: 'unsure', notes: 'a b' })
  const headers = { Authorization: `Bearer ${await tokenOf(server.app, 'viewer')}` }
  for (const q of ['"', '""', '*', 'a*', 'AND', 'a AND', 'NOT', 'NEAR(a b)', 'notes:a', '^a', '{a}', '(', '\'; DROP TABLE reviews', '\0', 'a\0b', '-', '\\', 'é', '🛢️', ' ', 'a '.repeat(99)]) {
    const answer = await send(server.url, { path: `${PATH}?q=${encodeURIComponent(q)}`, headers })
    t.equal(answer.status, 200, JSON.stringify(q))
  }
})

t.test('words of reviews are searched for people who log in, verdicts for everybody', async t => {
  const server = await startServer(t)
  insert(server, { at: '2026-03-01T10:00:00Z', verdict: 'confirmed', notes: 'a name that is nobody\'s business' })
  for (const query of ['q=name', 'q=nothing', 'q=name&limit=1', 'q=name&format=csv', 'q=name&verdict=confirmed']) {
    const answer = await send(server.url, { path: `${PATH}?${query}` })
    await refused(t, answer, 401, 'LOGIN_MISSING')
    t.match(answer.headers['www-authenticate'], /Basic/)
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  t.strictSame(ids(await send(server.url, { path: `${PATH}?verdict=confirmed` })), [1])
  await refused(t, await send(server.url, { path: `${PATH}?q=name`, headers: { Authorization: 'Bearer vs_wrong' } }), 401, 'TOKEN_WRONG')
  t.strictSame(ids(await send(server.url, { path: `${PATH}?q=name`, headers: { Authorization: `Bearer ${await tokenOf(server.app, 'viewer')}` } })), [1])
})

t.test('400 that says what to do for what makes no sense', async t => {
  const { url } = await startServer(t)
  const table: Array<[query: string, says: RegExp]> = [
    ['cameras=north', /cameras/],
    ['camera=', /camera/],
    ['camera=North', /camera/],
    ['from=yesterday', /from Expected a time such as 2026-03-01T12:00:00Z/],
    ['from=2026-02-30', /from/],
    ['from=1772366400', /from/],
    ['to=2026-03-01T25:00:00Z', /to Expected/],
    ['from=2026-03-02&to=2026-03-01', /from is after/],
    ['state=closed', /state Expected 'open' or 'ended'/],
    ['verdict=maybe', /'confirmed' or 'false_positive' or 'unsure' or 'unreviewed'/],
    ['min_confidence=1.1', /min_confidence/],
    ['min_confidence=high', /min_confidence/],
    ['bbox=1,2,3', /bbox/],
    ['bbox=1,2,3,x', /bbox/],
    ['bbox=0,10,1,5', /west,south,east,north/],
    ['bbox=0,0,1,91', /west,south,east,north/],
    ['q=', /q/],
    ['sort=id', /sort/],
    ['limit=0', /limit/],
    ['limit=1001', /limit/],
    ['format=xml', /'json' or 'ndjson' or 'csv' or 'geojson'/]
  ]
  for (const [query, says] of table) t.match(await refused(t, await send(url, { path: `${PATH}?${query}` }), 400, 'REQUEST_INVALID'), says, query)
})

t.test('pages follow each other by their links, through whatever proxy, and miss nothing that opens meanwhile', async t => {
  const server = await startServer(t)
  const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
  insert(server, ...Array.from({ length: 25 }, (_, nth) => ({ at: at(Math.floor(nth / 3)), camera: nth % 5 === 0 ? 'north' : 'default' })))
  for (const query of ['limit=4', 'limit=4&sort=-started_at', 'camera=default&limit=7&format=json', 'limit=25', 'limit=1000']) {
    const seen: number[] = []
    let next: string | undefined = `?${query}`
    let pages = 0
    while (next !== undefined) {
      const answer: Answer = await send(server.url, { path: `${PATH}${next}` })
      seen.push(...ids(answer))
      next = /^<(\?[^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1]
      t.equal(answer.headers['link'] === undefined, next === undefined)
      pages += 1
    }
    const all = ids(await send(server.url, { path: `${PATH}?${query.replace(/&?limit=\d+/, '')}`.replace('?&', '?') }))
    t.strictSame(seen, all, query)
    t.equal(pages, Math.ceil(all.length / Number(/limit=(\d+)/.exec(query)?.[1])), 'no page is empty')
  }
  const first = await send(server.url, { path: `${PATH}?limit=20` })
  insert(server, { at: at(30), camera: 'late' })
  const rest = await send(server.url, { path: `${PATH}${/<(.*)>/.exec(String(first.headers['link']))?.[1] ?? ''}` })
  t.equal(ids(rest).length, 6)
})

t.test('a cursor is good for its own list only', async t => {
  const server = await startServer(t)
  insert(server, { at: '2026-03-01T10:00:00Z' }, { at: '2026-03-01T11:00:00Z' })
  const { headers } = await send(server.url, { path: `${PATH}?limit=1` })
  const cursor = /cursor=([^>&]+)/.exec(String(headers['link']))?.[1] ?? ''
  t.strictSame(ids(await send(server.url, { path: `${PATH}?cursor=${cursor}` })), [2], 'without a limit: all the rest')
  for (const query of [`cursor=${cursor}&sort=-started_at`, `cursor=${cursor}&state=ended`, `cursor=${cursor.slice(1)}`, `cursor=${cursor}x`, `cursor=${cursor.slice(0, -1)}`, 'cursor=', 'cursor=%00', `cursor=${Buffer.from('1 0 0 0').toString('base64url')}`]) {
    t.match(await refused(t, await send(server.url, { path: `${PATH}?limit=1&${query}` }), 400, 'CURSOR_INVALID'), /Leave it out/, query)
  }
})

t.test('the answer is in the form that is asked for', async t => {
  const server = await startServer(t)
  insert(server, { at: '2026-03-01T10:00:00Z', place: [2, 58.5], confidence: 0.5 }, { at: '2026-03-01T11:00:00Z', ended: null })
  const table: Array<[query: string, accept: string | undefined, type: string]> = [
    ['', undefined, 'application/json; charset=utf-8'],
    ['', '*/*', 'application/json; charset=utf-8'],
    ['', 'text/html,application/xhtml+xml,*/*;q=0.8', 'application/json; charset=utf-8'],
    ['', 'image/png', 'application/json; charset=utf-8'],
    ['', 'text/csv', 'text/csv; charset=utf-8; header=present'],
    ['', 'application/geo+json, application/json;q=0.5', 'application/geo+json; charset=utf-8'],
    ['', 'application/x-ndjson', 'application/x-ndjson; charset=utf-8'],
    ['?format=json', 'text/csv', 'application/json; charset=utf-8'],
    ['?format=geojson', undefined, 'application/geo+json; charset=utf-8']
  ]
  for (const [query, accept, type] of table) {
    const { headers } = await send(server.url, { path: `${PATH}${query}`, headers: accept === undefined ? {} : { Accept: accept } })
    t.equal(headers['content-type'], type, `${query} ${accept}`)
    t.match(headers['vary'], /Accept/)
  }
  const all = JSON.parse((await send(server.url, { path: PATH })).body.toString()) as unknown[]
  const ndjson = (await send(server.url, { path: `${PATH}?format=ndjson` })).body.toString()
  t.strictSame(ndjson.split('\n').slice(0, -1).map(line => JSON.parse(line) as unknown), all)
  t.ok(ndjson.endsWith('}\n'))
  const csv = (await send(server.url, { path: `${PATH}?format=csv` })).body.toString().split('\r\n')
  t.strictSame(csv.slice(1, 3), [
    `1,default,2026-03-01T10:00:00.000000,2026-03-01T10:00:00.000000,,0.5,58.5,2,,false,0.jpg,${'0'.repeat(64)},1,1,1,/api/oil_spill_events/1/frame,kept,/api/oil_spill_events/1/clip,/api/oil_spill_events/1/thumbnail`,
    `2,default,2026-03-01T11:00:00.000000,,,,,,,false,1.jpg,${'0'.repeat(64)},1,1,1,/api/oil_spill_events/2/frame,kept,/api/oil_spill_events/2/clip,/api/oil_spill_events/2/thumbnail`
  ])
  t.equal(csv[3], '', 'a line end behind the last line')
  const map = JSON.parse((await send(server.url, { path: `${PATH}?format=geojson` })).body.toString()) as unknown
  t.strictSame(map, {
    type: 'FeatureCollection',
    features: [
      { type: 'Feature', id: 1, geometry: { type: 'Point', coordinates: [2, 58.5] }, properties: all[0] },
      { type: 'Feature', id: 2, geometry: null, properties: all[1] }
    ]
  })
})

t.test('forms of no events', async t => {
  const { url } = await startServer(t)
  const text = async (format: string): Promise<string> => (await send(url, { path: `${PATH}?format=${format}` })).body.toString()
  t.equal(await text('json'), '[]')
  t.equal(await text('ndjson'), '')
  t.match(await text('csv'), /^id,camera_id,datetime,[a-z0-9_,]+\r\n$/)
  t.equal(await text('geojson'), '{"type":"FeatureCollection","features":[]}')
})

t.test('an event is where its opening frame says, else where the camera was, and as sure as its surest frame', async t => {
  const { url } = await startServer(t)
  const list = async (): Promise<unknown> => await (await fetch(`${url}${PATH}`)).json()
  const headers = { Authorization: `Basic ${btoa(`admin:${ADMIN_PASSWORD}`)}`, 'Content-Type': 'application/json' }
  t.equal((await fetch(`${url}/api/cameras/default`, { method: 'PATCH', headers, body: '{"latitude":58,"longitude":2}' })).status, 200)
  await upload(url, { spill: true })
  t.match(await list(), [{ latitude: 58, longitude: 2, peak_confidence: null }])
  await upload(url, { spill: true, headers: { 'X-Detection-Confidence': '0.6', 'X-Frame-Sequence': '1' } })
  await upload(url, { spill: true, headers: { 'X-Detection-Confidence': '0.5', 'X-Frame-Sequence': '2', 'X-Latitude': '1', 'X-Longitude': '1' } })
  t.match(await list(), [{ latitude: 58, longitude: 2, peak_confidence: 0.6 }])
  await upload(url, { spill: false })
  await upload(url, { spill: true, headers: { 'X-Detection-Confidence': '0.25', 'X-Latitude': '-10.5', 'X-Longitude': '170' } })
  t.match(await list(), [{ id: 1 }, { latitude: -10.5, longitude: 170, peak_confidence: 0.25 }])
  t.strictSame(ids(await send(url, { path: `${PATH}?bbox=160,-20,-160,0` })), [2])
})
