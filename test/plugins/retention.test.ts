import fs from 'node:fs/promises'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import type { EvidenceFiles } from '../../src/store/evidence-store.js'
import { FakeClock, jpeg, startServer, temporaryFolder, until, upload } from '../helper.js'
import { keptLog } from '../http.js'

t.test('a deletion that a crash broke off is finished by the start, and told', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const { app } = await startServer(t, { DATA_DIR: folder })
  await app.close()
  const path = join(folder, 'oil_spill_frames/oil_spill_20230101_000000.jpg')
  writeFileSync(path, jpeg())
  const database = new Database(join(folder, 'videostream.db'))
  database.prepare('INSERT INTO garbage VALUES (?, ?)').run('oil_spill_frames/oil_spill_20230101_000000.jpg', 'a'.repeat(64))
  database.close()
  const log = keptLog()
  await startServer(t, { DATA_DIR: folder }, { logger: log.logger })
  t.notOk(existsSync(path))
  t.notOk(existsSync(join(folder, 'unclaimed_frames')))
  t.match(log.lines.find(({ level }) => level === 40), { msg: 'evidence was deleted whose deletion the last end of the server broke off', files: 1 })
})

t.test('what cannot be finished does not stop the start', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const { app } = await startServer(t, { DATA_DIR: folder })
  await app.close()
  const database = new Database(join(folder, 'videostream.db'))
  database.prepare('INSERT INTO garbage VALUES (?, ?)').run('oil_spill_frames/x.jpg', 'a'.repeat(64))
  database.close()
  const log = keptLog()
  const open: EvidenceFiles['open'] = async (path, flags, mode) => {
    if (flags === 'r' && String(path).endsWith('oil_spill_frames')) throw Object.assign(new Error('input/output error'), { code: 'EIO' })
    return await fs.open(path, flags, mode)
  }
  const { url } = await startServer(t, { DATA_DIR: folder }, { logger: log.logger, files: { ...fs, open } })
  t.equal((await upload(url)).status, 200)
  t.match(log.lines.find(({ level }) => level === 50), { err: { code: 'EIO' } })
})

t.test('that nothing more may be deleted is told once, and shows in the status', async t => {
  const log = keptLog()
  const clock = new FakeClock()
  const { url, app } = await startServer(t, { RETAIN_MAX_BYTES: String(3 * jpeg().length), MIN_FREE_BYTES: '0' }, { clock, logger: log.logger })
  await upload(url, { spill: true })
  await upload(url)
  await upload(url, { spill: true })
  clock.advance(60_000)
  await app.clipArchive.closeFinished()
  const status = async (): Promise<Record<string, unknown>> => (await (await fetch(`${url}/api/status`)).json() as { storage: Record<string, unknown> }).storage
  await app.lookAtEvidence()
  await app.lookAtEvidence()
  t.match(await status(), { ok: true, limit_exceeded: 'total_bytes' })
  t.equal(log.lines.filter(({ level }) => level === 50).length, 1)
  t.match(log.lines.find(({ level }) => level === 50), { limit: 'total_bytes' })
  const database = new Database(join(app.dataFolder.path, 'videostream.db'))
  database.exec('UPDATE oil_spill_events SET verdict = \'false_positive\' WHERE id = 1')
  database.close()
  await app.lookAtEvidence()
  t.match(await status(), { limit_exceeded: null, evidence_bytes: 3 * jpeg().length })
  t.equal(readdirSync(join(app.dataFolder.path, 'oil_spill_frames')).filter(name => name.endsWith('.jpg')).length, 1)
  await until(() => log.lines.some(({ msg }) => msg === 'evidence was deleted'), 'the line')
})
