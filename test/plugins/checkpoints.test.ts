import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { headStatement } from '../../src/core/ledger.js'
import type { CheckpointDocument } from '../../src/core/checkpoint.js'
import { startServer, temporaryFolder, until, upload, type TestServer } from '../helper.js'
import { keptLog, serve } from '../http.js'

/** Another machine that takes checkpoints, or answers with another status first. */
async function receiver (t: Test, statuses: number[] = []) {
  const taken: CheckpointDocument[] = []
  const requests: IncomingMessage[] = []
  const listener: RequestListener = (request, response) => {
    requests.push(request)
    let body = ''
    request.on('data', chunk => { body += String(chunk) })
    request.on('end', () => { answer(body, response) })
  }
  const answer = (body: string, response: ServerResponse): void => {
    const status = statuses.shift() ?? 204
    if (status < 300) taken.push(JSON.parse(body) as CheckpointDocument)
    response.writeHead(status).end()
  }
  return { url: await serve(t, listener), taken, requests }
}

/** Adds entries to the ledger, all of one transaction. */
async function grow ({ app }: TestServer, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () =>
    await app.sql.call('appendToLedger', { actor: 'server', action: 'export', subject: 'server', payload: {} })))
}

async function waiting ({ app }: TestServer): Promise<number> {
  return (await app.checkpoints.integrity()).waiting
}

t.test('the head is kept after so many entries, and logged as one object', async t => {
  const { lines, logger } = keptLog()
  const server = await startServer(t, { CHECKPOINT_EVERY: '10', CHECKPOINT_MINUTES: '60' }, { logger })
  await grow(server, 1)
  t.equal((await server.app.checkpoints.integrity()).checkpoint, undefined)
  await grow(server, 9)
  await until(async () => (await server.app.checkpoints.integrity()).checkpoint !== undefined, 'a checkpoint')
  const { checkpoint, head } = await server.app.checkpoints.integrity()
  t.strictSame(checkpoint, head)
  const logged = lines.map(line => line['checkpoint']).filter(each => each !== undefined)
  t.strictSame(logged, [checkpoint])
  t.equal(checkpoint?.statement, headStatement({ sequence: checkpoint?.sequence ?? 0, hash: String(checkpoint?.hash), atMs: checkpoint?.at_ms ?? 0, keyId: String(checkpoint?.key_id) }))
})

t.test('the head is kept after some time, but only where the ledger has grown', async t => {
  const server = await startServer(t, { CHECKPOINT_MINUTES: '0.01' })
  await until(async () => (await server.app.checkpoints.integrity()).checkpoint !== undefined, 'a checkpoint')
  const first = (await server.app.checkpoints.integrity()).checkpoint
  await server.app.checkpoints.keep()
  t.strictSame((await server.app.checkpoints.integrity()).checkpoint, first)
  await grow(server, 1)
  await until(async () => (await server.app.checkpoints.integrity()).checkpoint?.sequence !== first?.sequence, 'another checkpoint')
})

t.test('an orderly end leaves a checkpoint of the last entry', async t => {
  const DATA_DIR = join(temporaryFolder(t), 'data')
  const first = await startServer(t, { DATA_DIR })
  await upload(first.url, { spill: true })
  const { head } = await first.app.checkpoints.integrity()
  await first.app.close()
  const second = await startServer(t, { DATA_DIR })
  const { checkpoint } = await second.app.checkpoints.integrity()
  t.ok((checkpoint?.sequence ?? 0) >= (head?.sequence ?? 1))
})

t.test('checkpoints are posted until they are taken, oldest first, across restarts', async t => {
  const DATA_DIR = join(temporaryFolder(t), 'data')
  const before = await startServer(t, { DATA_DIR, CHECKPOINT_EVERY: '10' })
  await grow(before, 10)
  await until(async () => await waiting(before) === 1, 'the first checkpoint')
  await grow(before, 10)
  await until(async () => await waiting(before) === 2, 'the second checkpoint')
  await before.app.close()
  const { url, taken, requests } = await receiver(t, [503, 307])
  const { lines, logger } = keptLog()
  const after = await startServer(t, {
    DATA_DIR, CHECKPOINT_EVERY: '10', OUTBOUND_ALLOW: '127.0.0.1', CHECKPOINT_URL: `${url.replace('http://', 'http://user:secret@')}/heads?token=hidden`
  }, { logger })
  await until(async () => await waiting(after) === 0, 'all of them to be taken')
  const sequences = taken.map(({ sequence }) => sequence)
  t.ok(sequences.length >= 2)
  t.strictSame(sequences, [...sequences].sort((a, b) => a - b))
  t.match(requests[0], { method: 'POST', url: '/heads?token=hidden', headers: { 'content-type': 'application/json' } })
  t.equal(requests.length, sequences.length + 2, 'what was taken is not posted again')
  t.match(lines.filter(line => line['reason'] !== undefined), [{ reason: /answers 503/ }, { reason: /answers 307/ }])
  t.notMatch(JSON.stringify(lines), /secret|hidden/)
  t.match(await (await fetch(`${after.url}/api/integrity`)).json(), { posting: { enabled: true, waiting: 0, last_taken_at: /^\d{4}-/ } })
})

t.test('an address within the own network is refused unless OUTBOUND_ALLOW names it, and all goes on', async t => {
  const { url, requests } = await receiver(t)
  const { lines, logger } = keptLog()
  const server = await startServer(t, { CHECKPOINT_URL: url, CHECKPOINT_EVERY: '1' }, { logger })
  await grow(server, 1)
  await until(() => lines.some(line => /name it in OUTBOUND_ALLOW/.test(String(line['reason']))), 'the reason')
  t.equal((await upload(server.url, { spill: true })).status, 200)
  t.equal(requests.length, 0)
})

t.test('the last checkpoint is posted at the end, and a machine that takes nothing does not hold it up', async t => {
  const well = await receiver(t)
  const server = await startServer(t, { OUTBOUND_ALLOW: '127.0.0.1', CHECKPOINT_URL: well.url })
  await server.app.close()
  t.equal(well.taken.length, 1)
  const silent = await serve(t, () => {})
  const held = await startServer(t, { OUTBOUND_ALLOW: '127.0.0.1', CHECKPOINT_URL: silent, CHECKPOINT_EVERY: '1' })
  await grow(held, 1)
  await held.app.close()
})
