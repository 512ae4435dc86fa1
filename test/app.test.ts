import { writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../src/app.js'
import { StartupError } from '../src/errors.js'
import { startServer, temporaryFolder, testConfig } from './helper.js'
import { keptLog, send } from './http.js'

t.test('every route of the seed is there', async t => {
  const app = await buildApp(testConfig(t), { logger: false })
  t.teardown(async () => { await app.close() })
  const routes: Array<['GET' | 'POST', string]> = [
    ['GET', '/'], ['GET', '/stream'], ['GET', '/api/frame'], ['GET', '/api/status'], ['GET', '/api/oil_spill_events'],
    ['GET', '/api/detection_summary'], ['POST', '/api/upload_frame'], ['POST', '/api/start_stream'], ['POST', '/api/stop_stream']
  ]
  for (const [method, url] of routes) t.ok(app.hasRoute({ method, url }), `${method} ${url}`)
})

t.test('times are set so that slow requests are answered and stalled clients are cut', async t => {
  const app = await buildApp(testConfig(t), { logger: false })
  t.teardown(async () => { await app.close() })
  t.equal(app.server.requestTimeout, 120_000)
  t.ok(app.server.headersTimeout < app.server.requestTimeout)
  t.equal(app.server.keepAliveTimeout, 5000)
  t.equal(app.server.timeout, 60_000)
})

t.test('a start that fails lets go of what it had taken, so that the next one can succeed', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const config = testConfig(t, { DATA_DIR: folder })
  mkdirSync(folder)
  writeFileSync(join(folder, 'oil_spill_frames'), 'a file in the way')
  await t.rejects(buildApp(config, { logger: false }), StartupError)
  const app = await buildApp(testConfig(t), { logger: false })
  await app.close()
  await t.rejects(buildApp(config, { logger: false }), StartupError, 'not because another server uses the folder')
})

t.test('requests are not logged one by one', async t => {
  const log = keptLog()
  const { url } = await startServer(t, {}, { logger: log.logger })
  const before = log.lines.length
  await send(url)
  t.equal(log.lines.length, before)
})

t.test('logging follows the settings where no logger is given', async t => {
  const app = await buildApp(testConfig(t, { LOG_LEVEL: 'silent' }))
  t.equal(app.log.level, 'silent')
  await app.close()
})
