import t, { type Test } from 'tap'
import { join } from 'node:path'
import { temporaryFolder, until, upload } from '../helper.js'
import { EventClient } from '../sse.js'
import { openPage, startChromium } from './browser.js'
import { needs } from './clients.js'
import { KillableServer } from './killable-server.js'

/** Kills and starts in which a client has to miss nothing. */
const ROUNDS = 6

/** A server that comes back on the same port. */
async function start (t: Test): Promise<{ server: KillableServer, url: string }> {
  const settings: NodeJS.ProcessEnv = {}
  const server = await KillableServer.start(t, join(temporaryFolder(t), 'data'), settings)
  settings['PORT'] = String(server.port)
  return { server, url: `http://127.0.0.1:${server.port}` }
}

/** Ends the open event and opens another; each is acknowledged. Returns the id of the new one. */
async function openAnother (url: string): Promise<number> {
  for (const spill of [false, true]) {
    const response = await upload(url, { spill })
    if (response.status !== 200) throw new Error(`not taken: ${response.status}`)
  }
  const events = await (await fetch(`${url}/api/oil_spill_events?sort=-started_at&limit=1`)).json() as Array<{ id: number }>
  return events[0]?.id ?? 0
}

t.test('a client that comes back after each kill of the server misses nothing and gets nothing twice', async t => {
  const { server, url } = await start(t)
  const opened: number[] = []
  const got: EventClient[] = []
  let client = await new EventClient(url, { query: '?last_event_id=0' }).opened()
  for (let round = 0; round < ROUNDS; round += 1) {
    got.push(client)
    opened.push(await openAnother(url), await openAnother(url))
    if (round % 2 === 0) await until(() => client.events.some(({ data }) => data['id'] === opened.at(-1)), 'the newest event')
    else client.close() // It is away when more happens.
    opened.push(await openAnother(url))
    await server.kill()
    await until(() => client.ended, 'the end of the connection')
    await server.restart()
    client = new EventClient(url, { lastEventId: client.lastEventId })
  }
  got.push(client)
  await until(() => client.events.some(({ event, data }) => event === 'opened' && data['id'] === opened.at(-1)), 'the last event')
  client.close()
  const told = got.flatMap(({ events }) => events)
  t.strictSame(told.filter(({ event }) => event === 'opened').map(({ data }) => data['id']), opened)
  const ids = told.map(({ id }) => Number(id))
  t.strictSame(ids, [...new Set(ids)].sort((a, b) => a - b), 'each once, in order')
  t.notOk(told.some(({ event }) => event === 'reset'))
})

t.test('Chromium\'s EventSource is told all, over a kill of the server too', needs('chromium'), async t => {
  const browser = await startChromium(t)
  const { server, url } = await start(t)
  const { page } = await openPage(t, browser, `${url}/health`)
  await page.evaluate(`
    window.told = []
    window.source = new EventSource('/api/oil_spill_events/live')
    for (const kind of ['opened', 'ended']) source.addEventListener(kind, ({ data, lastEventId }) => { told.push([kind, JSON.parse(data).id, lastEventId]) })
    new Promise(resolve => { source.onopen = resolve })`)
  const first = await openAnother(url)
  const told = async (): Promise<Array<[kind: string, id: number, lastEventId: string]>> => await page.evaluate('told')
  await until(async () => (await told()).length === 1, 'the first event')
  await server.kill()
  await server.restart()
  const second = await openAnother(url)
  await until(async () => (await told()).length >= 3, 'what happened while it was away').catch(() => {})
  await until(async () => (await told()).length >= 3, 'what happened while it was away')
  t.strictSame((await told()).map(([kind, id]) => [kind, id]), [['opened', first], ['ended', first], ['opened', second]])
  await page.evaluate('source.close()')
})
