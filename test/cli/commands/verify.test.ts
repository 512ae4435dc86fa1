import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { main } from '../../../src/cli/videostream.js'
import { KillableServer } from '../../e2e/killable-server.js'
import { jpeg, startServer, temporaryFolder, upload } from '../../helper.js'
import { randomFrom } from '../../random.js'
import { makeHistory } from '../../store/history-fixture.js'

const program = fileURLToPath(new URL('../../../src/cli/videostream.js', import.meta.url))

/** What the command prints, and its exit code. */
async function verify (folder: string, ...args: string[]) {
  const [out, errors]: [string[], string[]] = [[], []]
  const terminal = { log: (text: string) => { out.push(text) }, error: (line: string) => { errors.push(line) } }
  const exitCode = await main(['verify', '--data-dir', folder, ...args], {}, { terminal })
  return { exitCode, out, errors, json: () => JSON.parse(out.join('\n')) as { ok: boolean, findings: Array<Record<string, string>>, verified: Record<string, unknown> } }
}

function closedHistory (t: Test): string {
  const { folder, database } = makeHistory(temporaryFolder(t), randomFrom(11))
  database.close()
  return folder
}

/** Names, sizes, times and bytes of all files of a folder. */
function stateOf (folder: string): unknown[] {
  const names = (readdirSync(folder, { recursive: true }) as string[]).sort()
  return names.map(name => {
    const { mtimeMs, size } = statSync(join(folder, name))
    return [name, mtimeMs, size]
  })
}

t.test('it says what was verified, changes nothing, and exits with 0 where nothing is wrong', async t => {
  const folder = closedHistory(t)
  const before = stateOf(folder)
  const { exitCode, out, errors } = await verify(folder)
  t.strictSame([exitCode, errors], [0, []])
  t.match(out, [/^\d+ ledger entries, 6 events, 16 detections, 12 frames of clips, 8 files \(\d+ bytes\) and 3 checkpoints were verified, up to ledger row \d+\.$/, /^The key is the one that the ledger itself names/, 'Nothing was found to be wrong.'])
  t.match((await verify(folder, '--json')).json(), { ok: true, findings: [], verified: { events: 6, last_hash: /^[0-9a-f]{64}$/, key_trusted: false } })
  t.strictSame(stateOf(folder), before)
})

t.test('it names what is wrong, a line each, and exits with 1', async t => {
  const folder = closedHistory(t)
  const path = 'oil_spill_frames/clip_1.mjpeg'
  writeFileSync(join(folder, path), 'x')
  rmSync(join(folder, 'oil_spill_frames/oil_spill_20230623_000000.jpg'))
  const { exitCode, out } = await verify(folder)
  t.equal(exitCode, 1)
  t.match(out.slice(0, 2), [/^oil_spill_frames\/oil_spill_20230623_000000.jpg: is missing$/, /^oil_spill_frames\/clip_1.mjpeg: frame 1 \(bytes 0-\d+\) is cut off at byte 1$/])
  t.equal(out.at(-1), '2 things were found to be wrong.')
  t.match((await verify(folder, '--json')).json(), { ok: false, findings: [{ subject: /jpg$/ }, { subject: path, problem: String }] })
})

t.test('from an entry or a time on', async t => {
  const folder = closedHistory(t)
  t.match((await verify(folder, '--since', '20', '--json')).json(), { ok: true, verified: { since: 20 } })
  t.match((await verify(folder, '--since', new Date(Date.now() - 3_600_000).toISOString(), '--json')).json(), { ok: true, verified: { since: 1 } })
  t.match((await verify(folder, '--since', '2020-01-01', '--json')).json(), { ok: true, verified: { since: 1 } })
  for (const since of ['yesterday', '0', '-1', '2020-13-45', '1000000', '2999-01-01']) {
    const { exitCode, errors } = await verify(folder, `--since=${since}`)
    t.equal(exitCode, 2, since)
    t.match(errors[0], /^videostream: verify: /, since)
  }
})

t.test('with the key and checkpoints from outside', async t => {
  const outside = temporaryFolder(t)
  const { app, url, config } = await startServer(t, { CHECKPOINT_EVERY: '1' })
  await upload(url, { spill: true })
  const integrity = await (await fetch(`${url}/api/integrity`)).json() as { head: Record<string, unknown> & { public_key: string } }
  await app.close()
  const file = (name: string, text: string): string => {
    writeFileSync(join(outside, name), text)
    return join(outside, name)
  }
  const key = file('key.pem', integrity.head.public_key)
  const posted = file('posted.json', JSON.stringify(integrity.head))
  const answer = file('integrity.json', JSON.stringify(integrity))
  const log = file('log', `Server listening\n{"msg":"x"}\n${JSON.stringify({ level: 30, checkpoint: integrity.head })}\n`)
  t.match((await verify(config.dataDir, '--json', '--public-key', key, '--checkpoint', posted, '--checkpoint', answer, '--checkpoint', log)).json(), { ok: true, verified: { key_trusted: true } })
  const future = file('future.json', JSON.stringify({ ...integrity.head, sequence: 5000 }))
  t.match(await verify(config.dataDir, '--checkpoint', future), { exitCode: 1, out: [/^checkpoint 5000 of .*future\.json: its signature is not right$/] })
  t.match(await verify(config.dataDir, '--checkpoint', file('none.json', '{}')), { exitCode: 2, errors: [/there is no checkpoint in/] })
  t.match(await verify(config.dataDir, '--checkpoint', join(outside, 'nowhere')), { exitCode: 2, errors: [/cannot be read/] })
  t.match(await verify(config.dataDir, '--public-key', log), { exitCode: 3, errors: [/no Ed25519 public key/] })
})

t.test('what cannot be read is said, with exit code 3 or 2', async t => {
  const folder = temporaryFolder(t)
  t.match(await verify(folder), { exitCode: 2, errors: [/there is no history in/] })
  writeFileSync(join(folder, 'videostream.db'), 'no database at all, but longer than a header of one, which has 100 bytes'.repeat(3))
  t.match(await verify(folder), { exitCode: 3, errors: [/./] })
})

t.test('while a server runs and writes, and after it was killed', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const server = await KillableServer.start(t, folder, { CHECKPOINT_EVERY: '5' })
  const over = new AbortController()
  const uploads = (async () => {
    for (let nth = 0; !over.signal.aborted; nth += 1) {
      await upload(`http://127.0.0.1:${server.port}`, { spill: nth % 3 !== 0, jpeg: jpeg({ color: [nth % 200, nth % 7, 0] }) }).catch(() => {})
    }
  })()
  const run = promisify(execFile)
  for (let round = 0; round < 5; round += 1) {
    const { stdout, stderr } = await run(process.execPath, [program, 'verify', '--data-dir', folder, '--json'])
    t.match([JSON.parse(stdout), stderr], [{ ok: true, findings: [] }, ''])
  }
  await server.kill()
  over.abort()
  await uploads
  const before = stateOf(folder).filter(each => !String((each as unknown[])[0]).endsWith('-shm'))
  t.match((await run(process.execPath, [program, 'verify', '--data-dir', folder])).stdout, /Nothing was found to be wrong/)
  t.strictSame(stateOf(folder).filter(each => !String((each as unknown[])[0]).endsWith('-shm')), before, 'nothing was mended or moved')
  await server.restart()
  t.match((await verify(folder, '--json')).json(), { ok: true })
  t.ok(readFileSync(join(folder, 'ledger_key.pem'), 'utf8').length > 0)
})
