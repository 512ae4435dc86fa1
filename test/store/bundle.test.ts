import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Bundles } from '../../src/store/bundle.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { temporaryFolder, until } from '../helper.js'
import { randomFrom } from '../random.js'
import { makeHistory } from './history-fixture.js'
import { bundleOf, verifyBundle } from './unpacked-bundle.js'

function setUp (t: Test): string {
  const { folder, database } = makeHistory(temporaryFolder(t), randomFrom(5))
  database.close()
  return folder
}

interface Index { event: Record<string, unknown>, merged_events: unknown[], files: Array<Record<string, unknown>>, reviews: unknown[] }

function indexOf (bundle: string): Index {
  return JSON.parse(readFileSync(join(bundle, 'index.json'), 'utf8')) as Index
}

t.test('a third party can check every event with nothing but Node', async t => {
  const folder = setUp(t)
  for (const eventId of [1, 2, 4, 5, 6]) {
    const bundle = await bundleOf(t, folder, eventId)
    const out = execFileSync(process.execPath, ['verify.mjs'], { cwd: bundle, env: {}, encoding: 'utf8' })
    t.match(out, /^Checked: \d+ entries of the ledger on this event, the places of \d+ others, \d+ signatures, /, `event ${eventId}`)
    t.match(out, /Nothing was found to be wrong\.\n$/)
    t.equal(indexOf(bundle).event['id'], eventId)
  }
})

t.test('what nothing proves is named', async t => {
  const folder = setUp(t)
  const [saidByCamera, growing] = [await verifyBundle(await bundleOf(t, folder, 4)), await verifyBundle(await bundleOf(t, folder, 6))]
  t.match(saidByCamera.lines.join('\n'), /^Not checked: .*description of the camera, clear_before_ms, .*$/m)
  t.match(saidByCamera.lines.join('\n'), /^event 4: its latitude and longitude are those of the camera, as index.json says: nothing here proves them\.$/m)
  t.match(growing.lines.join('\n'), /^oil_spill_frames\/clip_6\.mjpeg was still growing: its name and the role of each of its frames are not proved/m)
  t.notMatch(growing.lines.join('\n'), /latitude/)
})

t.test('the evidence is what it was, byte for byte', async t => {
  const folder = setUp(t)
  const bundle = await bundleOf(t, folder, 2)
  const { files, merged_events: merged } = indexOf(bundle)
  t.equal(merged.length, 1, 'with the event that was merged into it')
  t.equal(files.length, 4, 'its opening frame, the one before that, that of the merged event, and its clip')
  for (const { path, state, sha256 } of files) {
    t.equal(state, 'included')
    const bytes = readFileSync(join(bundle, String(path)))
    t.strictSame(bytes, readFileSync(join(folder, String(path))))
    t.equal(createHash('sha256').update(bytes).digest('hex'), sha256)
  }
})

t.test('an event that was merged into another one is handed out with it', async t => {
  t.equal(indexOf(await bundleOf(t, setUp(t), 3)).event['id'], 2)
})

t.test('nothing is told of what has nothing to do with the event', async t => {
  const bundle = await bundleOf(t, setUp(t), 1)
  const text = readdirSync(bundle).filter(name => /\.(json|ndjson)$/.test(name)).map(name => readFileSync(join(bundle, name), 'utf8')).join('')
  t.notMatch(text, /bert|192\.0\.2\.7|event:[2-9]/, 'the login between its entries is withheld')
  t.match(text, /"content_hash"/)
  t.match(text, /"user:anna"/, 'who reviewed it is a part of it')
})

t.test('the export is an entry of the ledger, and shown', async t => {
  const ledger = readFileSync(join(await bundleOf(t, setUp(t), 1), 'ledger.ndjson'), 'utf8')
  t.match(JSON.parse(ledger.trimEnd().split('\n').at(-1) ?? ''), { actor: 'user:anna', action: 'export', subject: 'event:1', payload: { what: 'bundle' } })
})

t.test('with the key from elsewhere', async t => {
  const bundle = await bundleOf(t, setUp(t), 1)
  const [key] = (JSON.parse(readFileSync(join(bundle, 'checkpoint.json'), 'utf8')) as { public_keys: Array<{ public_key: string }> }).public_keys
  writeFileSync(join(bundle, 'key.pem'), String(key?.public_key))
  const { exitCode, lines } = await verifyBundle(bundle, '--public-key', join(bundle, 'key.pem'))
  t.equal(exitCode, 0)
  t.notMatch(lines.join('\n'), /The key came with the bundle/)
  writeFileSync(join(bundle, 'key.pem'), '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n')
  t.match(await verifyBundle(bundle, '--public-key', join(bundle, 'key.pem')), { exitCode: 1, lines: [/^checkpoint \d+: it is signed with the key [0-9a-f]{16}, which is not the one to trust$/] })
  t.match(await verifyBundle(bundle, '--public-key', join(bundle, 'nowhere')), { exitCode: 2, lines: [/^It could not be checked: /] })
})

t.test('evidence that is altered or gone does not keep the rest from being handed out, and is named', async t => {
  const folder = setUp(t)
  const clip = 'oil_spill_frames/clip_1.mjpeg'
  const frame = 'oil_spill_frames/oil_spill_20230623_000000.jpg'
  writeFileSync(join(folder, clip), 'x')
  rmSync(join(folder, frame))
  const bundle = await bundleOf(t, folder, 1)
  t.match(indexOf(bundle).files, [{ path: frame, state: 'missing', problem: 'it could not be read (ENOENT)' }, { path: clip, state: 'included', problem: 'its SHA-256 is not the recorded one' }])
  const { exitCode, lines } = await verifyBundle(bundle)
  t.equal(exitCode, 1)
  t.match(lines, [`${frame}: is missing`, /^oil_spill_frames\/clip_1.mjpeg: ends at byte 1/])
})

t.test('evidence that was deleted or had no room is named as such', async t => {
  const folder = setUp(t)
  for (const [eventId, state] of [[4, 'missing'], [5, 'deleted']] as const) {
    const bundle = await bundleOf(t, folder, eventId)
    t.match(indexOf(bundle).files, [{ state }])
    t.match((await verifyBundle(bundle)).lines.join('\n'), new RegExp(`is not here: by the ledger it is ${state} \\(SHA-256 [0-9a-f]{64}\\)`))
  }
})

t.test('a bundle that nobody takes any more ends its reading', async t => {
  const folder = setUp(t)
  const sql = await SqlThread.open(join(folder, 'videostream.db'))
  t.teardown(async () => { await sql.close() })
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  for (let round = 0; round < 20; round += 1) {
    const bundle = await new Bundles(sql, folder).pack(1, 'user:anna', 0)
    if (round % 2 === 0) await new Promise(resolve => bundle?.zip.once('readable', resolve))
    bundle?.zip.on('error', () => {})
    bundle?.zip.destroy()
  }
  await until(() => open() <= before, 'all files to be closed')
})

t.test('a large clip is packed in constant memory', async t => {
  const { folder, database } = makeHistory(temporaryFolder(t), randomFrom(5))
  const sizeBytes = 200_000_000
  database.exec(`UPDATE clips SET size_bytes = ${sizeBytes} WHERE clip_id = 3`)
  database.close()
  truncateSync(join(folder, 'oil_spill_frames/clip_6.mjpeg'), sizeBytes)
  const sql = await SqlThread.open(join(folder, 'videostream.db'))
  t.teardown(async () => { await sql.close() })
  const bundle = await new Bundles(sql, folder).pack(6, 'user:anna', 0)
  const before = process.memoryUsage().rss
  let [length, most] = [0, 0]
  for await (const chunk of bundle?.zip ?? []) {
    length += (chunk as Buffer).length
    most = Math.max(most, process.memoryUsage().rss - before)
  }
  t.ok(length > sizeBytes)
  t.ok(most < sizeBytes / 2, `${most} bytes more than before`)
})

t.test('no event, no bundle and no entry', async t => {
  const folder = setUp(t)
  const sql = await SqlThread.open(join(folder, 'videostream.db'))
  t.teardown(async () => { await sql.close() })
  t.equal(await new Bundles(sql, folder).pack(99, 'user:anna', 0), undefined)
})
