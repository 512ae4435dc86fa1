import t from 'tap'
import { jpeg, PASSWORD, startServer } from '../helper.js'
import { RawClient, refused } from '../http.js'

const head = (headers: Record<string, string | number>): string =>
  `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`

t.test('the body is asked for once the password is found right', async t => {
  const { port, app } = await startServer(t)
  const picture = jpeg()
  for (const [i, expectation] of ['100-continue', '100-Continue'].entries()) {
    const client = RawClient.send(port, head({ 'X-Camera-Auth': PASSWORD, 'Content-Length': picture.length, Expect: expectation }))
    t.equal((await client.answer(1)).status, 100)
    t.equal(app.cameras.default.frames.framesReceived, i)
    client.write(picture)
    t.equal((await client.answer(2)).status, 200)
    t.equal(client.answers.length, 2)
    client.socket.destroy()
  }
})

t.test('a client that is refused is not asked for its body', async t => {
  const { port } = await startServer(t, { AUTH_FAILURE_LIMIT: '1', MAX_FRAME_BYTES: '2000', UPLOAD_RATE_LIMIT: '60' })
  const size = { 'Content-Length': 1000, Expect: '100-continue' }
  for (const [headers, status, code] of [
    [size, 401, 'PASSWORD_MISSING'],
    [{ 'X-Camera-Auth': PASSWORD, ...size, 'Content-Length': 2001 }, 413, 'FRAME_TOO_LARGE'],
    [{ 'X-Camera-Auth': PASSWORD, ...size, 'X-Oil-Spill-Detected': 'yes' }, 400, 'SPILL_HEADER_INVALID'],
    [{ 'X-Camera-Auth': 'wrong', ...size }, 401, 'PASSWORD_WRONG'],
    [{ 'X-Camera-Auth': PASSWORD, ...size }, 429, 'TOO_MANY_WRONG_PASSWORDS']
  ] as const) {
    const client = RawClient.send(port, head(headers))
    const answer = await client.answer()
    await refused(t, answer, status, code)
    t.equal(answer.headers['connection'], 'close')
    await client.end()
    t.equal(client.answers.length, 1)
  }
})
