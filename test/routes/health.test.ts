import t from 'tap'
import { FakeClock, startServer } from '../helper.js'
import { send } from '../http.js'

t.test('the server answers, whoever asks and however often', async t => {
  const { url } = await startServer(t, { VIEWER_ACCESS: 'private', READ_RATE_LIMIT: '1' }, { clock: new FakeClock() })
  for (let i = 0; i < 5; i += 1) {
    const answer = await send(url, { path: '/health' })
    t.equal(answer.status, 200)
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    t.equal(answer.headers['cache-control'], 'no-store')
    t.equal(answer.body.toString(), '{"status":"ok"}')
  }
  t.equal((await send(url, { method: 'HEAD', path: '/health' })).status, 200)
})
