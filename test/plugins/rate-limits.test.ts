import t from 'tap'
import { perSecond } from '../../src/plugins/rate-limits.js'
import { FakeClock, startServer, upload } from '../helper.js'
import { refused, send } from '../http.js'

t.test('a rate has a burst of two seconds\' worth, and at least one', async t => {
  t.strictSame(perSecond(60), { max: 120, timeWindow: 2000 })
  t.strictSame(perSecond(0.1), { max: 1, timeWindow: 10_000 })
  t.strictSame(perSecond(2.5), { max: 5, timeWindow: 2000 })
})

t.test('reads from one address are limited, all routes together', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, { READ_RATE_LIMIT: '2' }, { clock })
  for (const path of ['/', '/api/status', '/api/detection_summary', '/api/oil_spill_events']) t.equal((await send(url, { path })).status, 200)
  for (const path of ['/', '/stream', '/api/frame', '/api/status', '/api/oil_spill_events', '/api/oil_spill_events/1', '/api/oil_spill_events/1/frame', '/api/detection_summary', '/documentation/json']) {
    const answer = await send(url, { path })
    t.match(await refused(t, answer, 429, 'READ_RATE_EXCEEDED'), 'READ_RATE_LIMIT')
    t.equal(answer.headers['retry-after'], '1', path)
    t.strictSame(Object.keys(answer.headers).filter(name => name.startsWith('x-ratelimit')), [])
  }
  t.equal((await upload(url)).status, 200, 'cameras are limited on their own')
  clock.advance(500)
  t.equal((await send(url)).status, 200)
  t.equal((await send(url)).status, 429)
  clock.advance(2000)
  for (let i = 0; i < 4; i += 1) t.equal((await send(url)).status, 200)
  t.equal((await send(url)).status, 429)
})

t.test('answers within the limit have no headers of it', async t => {
  const { url } = await startServer(t)
  const { headers } = await send(url)
  t.strictSame(Object.keys(headers).filter(name => name.startsWith('x-ratelimit') || name === 'retry-after'), [])
})

t.test('the limit is by address', async t => {
  const { url } = await startServer(t, { READ_RATE_LIMIT: '1', TRUST_PROXY: '127.0.0.1' }, { clock: new FakeClock() })
  const read = async (address: string): Promise<number> => (await send(url, { headers: { 'X-Forwarded-For': address } })).status
  t.strictSame([await read('192.0.2.1'), await read('192.0.2.1'), await read('192.0.2.1'), await read('192.0.2.2')], [200, 200, 429, 200])
})

t.test('a wall clock that is set back refuses nobody', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, { READ_RATE_LIMIT: '1' }, { clock })
  await send(url)
  await send(url)
  clock.advance(1000)
  clock.setWallClock(clock.nowMs() - 3_600_000)
  t.equal((await send(url)).status, 200)
})

t.test('an office of viewers on one address fits', async t => {
  const { url } = await startServer(t, {}, { clock: new FakeClock() })
  const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await send(url, { path: '/api/status' })).status))
  t.ok(statuses.every(status => status === 200))
})
