import t from 'tap'
import { FakeClock, startServer, upload } from '../helper.js'
import { keptLog } from '../http.js'

t.test('a frame that is refused is counted, and logged once a burst with address and reason', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const { url, app } = await startServer(t, { MAX_FRAME_PIXELS: '100', MAX_FRAME_BYTES: '2000', UPLOAD_RATE_LIMIT: '3' }, { clock, logger: log.logger })
  for (let i = 0; i < 2; i += 1) t.equal((await upload(url, { jpeg: Buffer.from('no JPEG') })).status, 400)
  t.equal((await upload(url, { spill: 'yes' })).status, 400)
  t.equal((await upload(url)).status, 413)
  t.equal((await upload(url, { jpeg: Buffer.alloc(3000) })).status, 413)
  for (let i = 0; i < 2; i += 1) await upload(url, { jpeg: Buffer.alloc(0) })
  t.equal(app.refusalCount('frame'), 7)
  t.equal(app.refusalCount('password'), 0)
  t.match(await (await fetch(`${url}/api/status`)).json(), { refused_frames: 7, unauthorized_attempts: 0 })
  const warnings = log.lines.filter(({ level }) => level === 40)
  t.strictSame(warnings.map(line => line['reason']), ['FRAME_INVALID', 'SPILL_HEADER_INVALID', 'FRAME_TOO_MANY_PIXELS', 'FRAME_TOO_LARGE', 'UPLOAD_RATE_EXCEEDED'])
  for (const line of warnings) t.match(line, { msg: 'a frame was refused', address: '127.0.0.1', cameraId: 'default' })
  t.equal(log.lines.filter(line => line['reason'] === 'FRAME_INVALID').length, 1)
  clock.advance(61_000)
  await upload(url, { jpeg: Buffer.from('no JPEG') })
  t.match(log.lines.at(-1), { reason: 'FRAME_INVALID', unloggedTries: Number })
})

t.test('the addresses of one IPv6 network are one burst', async t => {
  const log = keptLog()
  const { url, app } = await startServer(t, { TRUST_PROXY: 'loopback', AUTH_FAILURE_LIMIT: '100' }, { clock: new FakeClock(), logger: log.logger })
  for (let i = 1; i <= 5; i += 1) await upload(url, { password: 'a-wrong-password', headers: { 'X-Forwarded-For': `2001:db8:0:1::${i}` } })
  await upload(url, { password: 'a-wrong-password', headers: { 'X-Forwarded-For': '2001:db8:0:2::1' } })
  t.equal(app.refusalCount('password'), 6)
  t.match(log.lines.filter(({ level }) => level === 40).map(line => line['address']), ['2001:db8:0:1::1', '2001:db8:0:2::1'])
})
