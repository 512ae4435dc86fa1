import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openForReading } from '../../src/store/reading.js'
import { verifyHistory, type Finding } from '../../src/store/verify.js'
import { jpeg, startServer, temporaryFolder, tokenOf, upload } from '../helper.js'
import { unpacked, verifyBundle } from '../store/unpacked-bundle.js'
import { startServerProcess } from './server-process.js'

/** The commands of docs/security.md that check a head with nothing of this program. */
const byHand = /```sh\n(curl -fsS "\$SERVER\/api\/integrity"[^]*?)```/.exec(readFileSync('docs/security.md', 'utf8'))?.[1] ?? ''

t.test('a head can be checked by hand with curl and openssl, as the documentation says', async t => {
  const { url } = await startServerProcess(t)
  await upload(url, { spill: true })
  const cwd = temporaryFolder(t)
  const run = (commands: string): string => execFileSync('bash', ['-ec', commands], { cwd, env: { ...process.env, SERVER: url }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  t.match(run(byHand), /Signature Verified Successfully/)
  writeFileSync(join(cwd, 'statement'), readFileSync(join(cwd, 'statement'), 'utf8').replace('"sequence":', '"sequence":1'))
  t.throws(() => run(byHand.split('\n').at(-2) ?? ''), 'openssl refuses another statement')
})

t.test('whatever cameras and people do, nothing is found to be wrong, neither here nor by a third party', async t => {
  const { app, url, config } = await startServer(t, { CHECKPOINT_EVERY: '7' })
  const verify = async (): Promise<Finding[]> => {
    const database = openForReading(join(config.dataDir, 'videostream.db'))
    const findings: Finding[] = []
    await verifyHistory(database, config.dataDir, { onFinding: finding => { findings.push(finding) } }).finally(() => { database.close() })
    return findings
  }
  const startedAtMs = Date.now() - 100_000
  const send = async (nth: number, spill: boolean): Promise<void> => {
    const headers = { 'X-Capture-Timestamp': String((startedAtMs + nth * 1000) / 1000), 'X-Detection-Confidence': String(nth % 10 / 10) }
    t.equal((await upload(url, { spill, jpeg: jpeg({ color: [nth, 10, 10] }), headers })).status, 200)
  }
  // Three events; then late frames: one within the first, one between the second and the third, one before all and one behind the first.
  for (const nth of [10, 11, 12, 30, 31, 50, 51]) await send(nth, true)
  for (const nth of [13, 32, 52]) await send(nth, false)
  for (const nth of [20, 22, 24, 40]) await send(nth, true)
  for (const nth of [60, 61, 70, 71]) await send(nth, nth % 10 === 0)
  for (const nth of [9, 11.5, 41, 5]) await send(nth, true)
  t.strictSame(await verify(), [])
  const headers = { Authorization: `Bearer ${await tokenOf(app, 'admin')}`, 'Content-Type': 'application/json' }
  const events = await (await fetch(`${url}/api/oil_spill_events`)).json() as Array<{ id: number }>
  t.ok(events.length > 2)
  for (const { id } of events) {
    for (const [action, body] of [['review', { verdict: 'confirmed', notes: 'seen' }], ['hold', { reason: 'court' }]] as const) {
      t.ok((await fetch(`${url}/api/oil_spill_events/${id}/${action}`, { method: 'POST', headers, body: JSON.stringify(body) })).ok)
    }
    const response = await fetch(`${url}/api/oil_spill_events/${id}/bundle`, { headers })
    const { exitCode, lines } = await verifyBundle(unpacked(t, Buffer.from(await response.arrayBuffer()), id))
    t.equal(exitCode, 0, lines.join('\n'))
  }
  t.strictSame(await verify(), [])
  await app.close()
  t.strictSame(await verify(), [])
})
