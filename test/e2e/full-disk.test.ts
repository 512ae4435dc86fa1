import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { jpeg, SocketViewer, until, upload } from '../helper.js'
import { fillDisk, smallDisk } from '../store/support.js'
import { KillableServer } from './killable-server.js'

const OTHER = jpeg({ color: [200, 2, 2] })

interface Event { readonly evidence_state: string }

/** What is kept for the database: more than its log grows to, which is some 4 MB. */
const MIN_FREE_BYTES = 8 * 1024 * 1024

/** A real server on a small disk of its own. */
async function setUp (t: Test) {
  const disk = smallDisk(t, 32 * 1024)
  if ('problem' in disk) return disk
  const dataDir = join(disk.path, 'data')
  const server = await KillableServer.start(t, dataDir, { MIN_FREE_BYTES: String(MIN_FREE_BYTES), POST_EVENT_SECONDS: '0' })
  return { disk: disk.path, dataDir, server }
}

t.test('a disk that fills up: the event is written down, the camera told, the picture goes on, and evidence is kept as soon as there is room', async t => {
  const server = await setUp(t)
  if ('problem' in server) return t.pass('not run', { skip: server.problem })
  const url = `http://127.0.0.1:${server.server.port}`
  const get = async (path: string): Promise<unknown> => await (await fetch(`${url}${path}`)).json()
  await upload(url)
  const viewer = new SocketViewer(server.server.port)
  t.teardown(() => { viewer.close() })
  await viewer.received(1)

  const makeRoom = fillDisk(server.disk, 1024)
  const sent = await upload(url, { jpeg: OTHER, spill: true, headers: { 'Idempotency-Key': 'a' } })
  t.equal(sent.status, 507)
  t.match(await sent.json(), { code: 'STORAGE_FULL', message: /Make room, then send this frame again/ })
  await viewer.received(2)
  t.strictSame(viewer.parts[1]?.jpeg, OTHER, 'its viewers have seen it')
  t.match(await get('/api/oil_spill_events'), [{ id: 1, evidence_state: 'missing', ended_at: null }])
  t.match(await get('/api/status'), { oil_spill_detected: true, open_event_id: 1, storage: { ok: false, last_error: 'ENOSPC' } })
  t.match(await get('/api/oil_spill_events/1/frame'), { statusCode: 404, code: 'EVIDENCE_NOT_KEPT' })
  t.equal((await upload(url, { jpeg: OTHER, spill: true, headers: { 'Idempotency-Key': 'a' } })).status, 507, 'and again')

  await server.server.kill()
  const port = await server.server.restart()
  const again = `http://127.0.0.1:${port}`
  makeRoom()
  t.equal((await upload(again, { jpeg: OTHER, spill: true, headers: { 'Idempotency-Key': 'a' } })).status, 200, 'also after a restart')
  const frame = await fetch(`${again}/api/oil_spill_events/1/frame`)
  t.strictSame(Buffer.from(await frame.arrayBuffer()), OTHER)
  t.match(await (await fetch(`${again}/api/oil_spill_events`)).json(), [{ id: 1, evidence_state: 'kept' }])
  t.match(await (await fetch(`${again}/api/status`)).json(), { storage: { ok: true } })
  t.notOk(existsSync(join(server.dataDir, 'unclaimed_frames')))
})

t.test('a disk that fills up: the oldest evidence that may go makes room for the newest', async t => {
  const server = await setUp(t)
  if ('problem' in server) return t.pass('not run', { skip: server.problem })
  const url = `http://127.0.0.1:${server.server.port}`
  const list = async (): Promise<Event[]> => await (await fetch(`${url}/api/oil_spill_events`)).json() as Event[]
  const picture = (nth: number): Buffer => Buffer.concat([jpeg({ color: [nth, 0, 0] }), Buffer.alloc(300_000)])
  for (let nth = 1; nth <= 3; nth += 1) {
    t.equal((await upload(url, { jpeg: picture(nth), spill: true })).status, 200)
    await upload(url)
  }
  const database = new Database(join(server.dataDir, 'videostream.db'))
  database.exec('UPDATE oil_spill_events SET verdict = \'false_positive\' WHERE id = 2')
  const growing = database.prepare('SELECT count(*) FROM clips WHERE event_id < 3 AND closed_at_ms IS NULL').pluck()
  await until(() => growing.get() === 0, 'the end of the clips')
  database.close()
  fillDisk(server.disk, Math.floor((MIN_FREE_BYTES + 150_000) / 4096))
  t.equal((await upload(url, { jpeg: picture(4), spill: true })).status, 200, 'one that was reviewed goes for it')
  await upload(url)
  t.equal((await upload(url, { jpeg: picture(5), spill: true })).status, 507, 'nobody has reviewed the others')
  t.strictSame((await list()).map(each => each.evidence_state), ['kept', 'deleted', 'kept', 'kept', 'missing'])
  t.equal(readdirSync(join(server.dataDir, 'oil_spill_frames')).filter(name => name.endsWith('.jpg')).length, 3)
  t.equal((await fetch(`${url}/api/oil_spill_events/2/frame`)).status, 410)
})
