import fs from 'node:fs/promises'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { StartupError } from '../../src/errors.js'
import { jpeg, startServer, temporaryFolder, testConfig, upload } from '../helper.js'
import { keptLog } from '../http.js'

t.test('what a crash left is tidied up at the start, and told', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const frames = join(folder, 'oil_spill_frames')
  const { app } = await startServer(t, { DATA_DIR: folder })
  await app.close()
  writeFileSync(join(frames, 'oil_spill_20230101_000000.jpg'), jpeg())
  writeFileSync(join(frames, '.oil_spill_20230101_000001.jpg.part'), 'half a frame')
  const log = keptLog()
  await startServer(t, { DATA_DIR: folder }, { logger: log.logger })
  t.strictSame(readdirSync(frames), [])
  t.strictSame(readdirSync(join(folder, 'unclaimed_frames')), ['oil_spill_20230101_000000.jpg'])
  t.match(log.lines.find(({ level }) => level === 40), { msg: 'frames that no event claims were moved to unclaimed_frames', moved: 1 })
})

t.test('evidence that an event claims stays, and nothing is told', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const { url, app } = await startServer(t, { DATA_DIR: folder })
  await upload(url, { spill: true })
  await app.close()
  const log = keptLog()
  await startServer(t, { DATA_DIR: folder }, { logger: log.logger })
  t.strictSame(readdirSync(join(folder, 'oil_spill_frames')).filter(name => name.startsWith('oil_spill_')).map(name => name.replace(/^.*\./, '')).sort(), ['jpg', 'mjpeg'])
  t.notOk(existsSync(join(folder, 'unclaimed_frames')))
  t.notOk(log.lines.some(({ level }) => level >= 40))
})

t.test('a folder that cannot be used stops the start with one line, and lets go of everything', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const config = testConfig(t, { DATA_DIR: folder })
  const files = { ...fs, mkdir: async () => { throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }) } }
  await t.rejects(buildApp(config, { logger: false, files }), new StartupError(`no room is left on the disk of ${folder}; make room and start again`))
  const app = await buildApp(config, { logger: false })
  await app.close()
})
