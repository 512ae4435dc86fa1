import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { FakeClock, startServer, tokenOf, until, upload } from '../helper.js'

/** A server with three events of which the first two may go, and what an administrator asks it with. */
async function setUp (t: Test) {
  const clock = new FakeClock()
  const server = await startServer(t, { RETAIN_DAYS: '30', MIN_FREE_BYTES: '0' }, { clock })
  const { app, url } = server
  for (let nth = 0; nth < 3; nth += 1) {
    await upload(url, { spill: true })
    clock.advance(1500)
    await upload(url)
    clock.advance(3600_000)
  }
  const database = new Database(join(app.dataFolder.path, 'videostream.db'))
  const growing = database.prepare('SELECT count(*) FROM clips WHERE closed_at_ms IS NULL').pluck()
  await until(async () => {
    clock.advance(10_000)
    await app.clipArchive.closeFinished()
    return growing.get() === 0
  }, 'the end of the clips')
  database.exec('UPDATE oil_spill_events SET verdict = \'confirmed\' WHERE id < 3')
  const sizes = database.prepare<[], number>('SELECT sum(size_bytes) FROM kept_files GROUP BY event_id ORDER BY event_id').pluck().all()
  database.close()
  const headers = { Authorization: `Bearer ${await tokenOf(app, 'admin')}` }
  return {
    ...server,
    clock,
    sizes,
    ask: async (path: string, method = 'GET'): Promise<{ status: number, body: Record<string, unknown> }> => {
      const response = await fetch(`${url}${path}`, { method, headers })
      return { status: response.status, body: await response.json() as Record<string, unknown> }
    },
    frames: () => readdirSync(join(app.dataFolder.path, 'oil_spill_frames')).filter(name => name.endsWith('.jpg')).length
  }
}

t.test('says what would go and why, and then does just that', async t => {
  const { ask, clock, frames, url, sizes: [first = 0, second = 0, third = 0] } = await setUp(t)
  t.match(await ask('/api/retention'), { status: 200, body: { retain_days: 30, unreviewed: 'keep', evidence_bytes: first + second + third, would_delete: { events: 0, bytes: 0 }, events: [], limit_exceeded: null } })
  clock.advance(40 * 86_400_000)
  const plan = await ask('/api/retention')
  t.match(plan.body, {
    would_delete: { events: 2, bytes: first + second },
    events: [{ id: 1, camera_id: 'default', datetime: '2023-06-23T14:30:22.123000', ended_at: '2023-06-23T14:30:23.623000', files: 2, bytes: first, reason: 'age' }, { id: 2 }]
  })
  t.equal(frames(), 3)
  t.strictSame(await ask('/api/retention', 'POST'), { status: 200, body: { events: 2, bytes: first + second, limit_exceeded: null } })
  t.equal(frames(), 1)
  t.strictSame((await ask('/api/retention', 'POST')).body['events'], 0)
  const event = await (await fetch(`${url}/api/oil_spill_events/1`)).json() as Record<string, unknown>
  t.equal(event['evidence_state'], 'deleted')
  const frame = await fetch(`${url}/api/oil_spill_events/1/frame`)
  t.equal(frame.status, 410)
  t.match(await frame.json(), { code: 'EVIDENCE_DELETED', message: /^The evidence of event 1 was deleted on \d{4}-\d\d-\d\dT.* by retention \(age\)/ })
  t.equal((await fetch(`${url}/api/oil_spill_events/3/frame`)).status, 200)
})

t.test('a picture that is deleted while it is asked for is told as deleted', async t => {
  const { ask, app, clock, url } = await setUp(t)
  clock.advance(40 * 86_400_000)
  const read = app.evidenceStore.read.bind(app.evidenceStore)
  app.evidenceStore.read = async evidence => {
    await ask('/api/retention', 'POST')
    return await read(evidence)
  }
  t.equal((await fetch(`${url}/api/oil_spill_events/1/frame`)).status, 410)
})

t.test('a history that cannot be read is told as such', async t => {
  const { ask, app } = await setUp(t)
  app.sql.call = async () => { throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }) }
  for (const method of ['GET', 'POST']) t.match(await ask('/api/retention', method), { status: 503, body: { code: 'HISTORY_UNAVAILABLE' } })
})
