import { createHash } from 'node:crypto'
import t from 'tap'
import { refused, send } from '../http.js'
import { startServer } from '../helper.js'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'
const LINE = 'Video Streaming Server is running'

t.test('programs get the original line as text', async t => {
  const { url } = await startServer(t)
  const headersOf: Array<Record<string, string>> = [
    {}, { Accept: '*/*' }, { Accept: 'text/plain' }, { Accept: 'text/html;q=0.5, text/plain' }, { Accept: 'application/json' }
  ]
  for (const headers of headersOf) {
    const answer = await send(url, { headers })
    t.equal(answer.status, 200)
    t.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
    t.equal(answer.headers['vary'], 'Accept')
    t.equal(answer.body.toString(), LINE)
  }
})

t.test('a browser gets a page with that line, the live picture, the status and links to the documentation', async t => {
  const { url } = await startServer(t)
  for (const accept of [BROWSER, 'text/html']) {
    const answer = await send(url, { headers: { Accept: accept } })
    const page = answer.body.toString()
    t.equal(answer.status, 200)
    t.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
    t.equal(answer.headers['vary'], 'Accept')
    t.match(page, `<h1>${LINE}</h1>`)
    t.match(page, '<img id="picture"')
    for (const path of ['/stream', '/api/status', '/documentation']) t.match(page, path)
  }
})

t.test('the page links only to what is there', async t => {
  const { url } = await startServer(t)
  const page = (await send(url, { headers: { Accept: BROWSER } })).body.toString()
  const links = [...page.matchAll(/href="(\/[^"]*)"/g)].map(([, path]) => path ?? '')
  t.ok(links.length >= 3)
  for (const path of links) t.not((await send(url, { path })).status, 404, path)
})

t.test('only the page\'s own script and style may run', async t => {
  const { url } = await startServer(t)
  const { headers, body } = await send(url, { headers: { Accept: BROWSER } })
  const policy = String(headers['content-security-policy'])
  const hashOf = (tag: string): string => {
    const text = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(body.toString())?.[1] ?? ''
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  }
  t.match(policy, "default-src 'none'")
  t.match(policy, `script-src ${hashOf('script')}`)
  t.match(policy, `style-src ${hashOf('style')}`)
  t.equal(headers['x-content-type-options'], 'nosniff')
})

t.test('reads are limited', async t => {
  const { url } = await startServer(t, { READ_RATE_LIMIT: '1' })
  await send(url)
  await send(url)
  const answer = await send(url)
  await refused(t, answer, 429, 'READ_RATE_EXCEEDED')
})
