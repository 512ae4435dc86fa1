import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { verifyHistory, type Finding } from '../../src/store/verify.js'
import { startServer, tokenOf, until, upload } from '../helper.js'
import { refused } from '../http.js'
import { unpacked, verifyBundle } from '../store/unpacked-bundle.js'

t.test('somebody who is logged in gets an event as a ZIP, which is noted in the ledger', async t => {
  const { app, url, config } = await startServer(t)
  await upload(url, { spill: true })
  await upload(url, { spill: false })
  const response = await fetch(`${url}/api/oil_spill_events/1/bundle`, { headers: { Authorization: `Bearer ${await tokenOf(app, 'viewer')}` } })
  t.equal(response.status, 200)
  t.match(Object.fromEntries(response.headers), {
    'content-type': 'application/zip', 'content-disposition': 'attachment; filename="oil_spill_event_1.zip"', 'cache-control': 'no-store'
  })
  const bundle = unpacked(t, Buffer.from(await response.arrayBuffer()), 1)
  t.match(await verifyBundle(bundle), { exitCode: 0 })
  const other = new Database(join(config.dataDir, 'videostream.db'), { readonly: true })
  t.teardown(() => { other.close() })
  t.match(other.prepare('SELECT actor, subject, payload FROM ledger WHERE action = \'export\'').all(), [{ actor: 'user:viewer', subject: 'event:1', payload: '{"what":"bundle"}' }])
  const findings: Finding[] = []
  await verifyHistory(other, config.dataDir, { onFinding: finding => { findings.push(finding) } })
  t.strictSame(findings, [])
})

t.test('nobody else gets one, and there is none of no event', async t => {
  const { app, url } = await startServer(t)
  await upload(url, { spill: true })
  await refused(t, await fetch(`${url}/api/oil_spill_events/1/bundle`), 401, 'LOGIN_MISSING')
  const headers = { Authorization: `Bearer ${await tokenOf(app, 'viewer')}` }
  await refused(t, await fetch(`${url}/api/oil_spill_events/9/bundle`, { headers }), 404, 'EVENT_NOT_FOUND')
  await refused(t, await fetch(`${url}/api/oil_spill_events/x/bundle`, { headers }), 400, 'REQUEST_INVALID')
  t.equal((await fetch(`${url}/api/oil_spill_events/1/bundle`, { method: 'HEAD', headers })).status, 405)
})

t.test('clients that take nothing hold a few up, and those that leave none', async t => {
  const { app, url } = await startServer(t)
  await upload(url, { spill: true, jpeg: Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.from('ffc0000b080010001001011100ffda0008010100003f00', 'hex'), Buffer.alloc(9_000_000, 1), Buffer.from([0xff, 0xd9])]) })
  const headers = { Authorization: `Bearer ${await tokenOf(app, 'viewer')}` }
  const ask = async (): Promise<IncomingMessage> => {
    const [response]: IncomingMessage[] = await once(get(`${url}/api/oil_spill_events/1/bundle`, { headers, agent: false }), 'response')
    if (response === undefined) throw new Error('no response')
    response.pause()
    return response
  }
  const slow = [await ask(), await ask(), await ask(), await ask()]
  t.strictSame(slow.map(({ statusCode }) => statusCode), [200, 200, 200, 200])
  await refused(t, await fetch(`${url}/api/oil_spill_events/1/bundle`, { headers }), 503, 'READS_BUSY')
  for (const response of slow) response.destroy()
  await until(async () => {
    const response = await ask()
    response.destroy()
    return response.statusCode === 200
  }, 'a place')
})
