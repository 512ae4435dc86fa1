import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { createUrlDetector } from '../../../src/cli/camera/detector-url.js'
import { serve } from '../../http.js'

const { signal } = new AbortController()
const jpeg = Buffer.from('picture')

t.test('the picture is posted and the answer is what the detector says', async t => {
  const seen: unknown[] = []
  const address = await serve(t, (request, response) => {
    void buffer(request).then(body => {
      const { 'content-type': type, authorization } = request.headers
      seen.push([request.method, request.url, type, authorization, body.toString()])
      response.end('{"spill":true}')
    })
  })
  const url = new URL(`${address}/detect?model=7`)
  url.username = 'me'
  url.password = 'secret'
  const detect = createUrlDetector({ url, timeoutMs: 10_000 })
  t.equal(await detect(jpeg, signal), '{"spill":true}')
  t.equal(await detect(jpeg, signal), '{"spill":true}')
  t.strictSame(seen[0], ['POST', '/detect?model=7', 'image/jpeg', `Basic ${Buffer.from('me:secret').toString('base64')}`, 'picture'])
})

t.test('a failure is one line', async t => {
  const answers: Array<[status: number, body: string]> = [[500, 'no model\nstack'], [302, ''], [200, 'x'.repeat(300_000)]]
  const address = await serve(t, (request, response) => {
    const [status, body] = answers.shift()!
    request.resume()
    response.writeHead(status).end(body)
  })
  const detect = createUrlDetector({ url: new URL(address), timeoutMs: 10_000 })
  await t.rejects(detect(jpeg, signal), { message: 'it answered 500 Internal Server Error: no model' })
  await t.rejects(detect(jpeg, signal), { message: 'it answered 302 Found: ' })
  await t.rejects(detect(jpeg, signal), { message: /more than 262144 bytes/ })
})

t.test('one that is silent, falls silent halfway or is not there', async t => {
  const silent = await serve(t, () => {})
  await t.rejects(createUrlDetector({ url: new URL(silent), timeoutMs: 50 })(jpeg, signal), { message: 'no answer within 0.05 s' })
  const halfway = await serve(t, (_request, response) => { response.write('{') })
  await t.rejects(createUrlDetector({ url: new URL(halfway), timeoutMs: 200 })(jpeg, signal))
  const stop = new AbortController()
  const asked = createUrlDetector({ url: new URL(silent), timeoutMs: 10_000 })(jpeg, stop.signal)
  stop.abort()
  await t.rejects(asked, { name: 'AbortError' })
  await t.rejects(createUrlDetector({ url: new URL('https://127.0.0.1:1'), timeoutMs: 10_000 })(jpeg, signal), { code: 'ECONNREFUSED' })
})
