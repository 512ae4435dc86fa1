import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { StartupError } from '../../src/errors.js'
import { startServer, temporaryFolder, testConfig } from '../helper.js'

t.test('the folder is made, and only one server may use it until it has closed', async t => {
  const folder = join(temporaryFolder(t), 'a', 'b')
  const environment = { DATA_DIR: folder }
  const { app } = await startServer(t, environment)
  t.ok(existsSync(folder))
  t.equal(app.dataFolder.path, folder)
  await t.rejects(buildApp(testConfig(t, environment), { logger: false }), StartupError)
  await app.close()
  const next = await buildApp(testConfig(t, environment), { logger: false })
  await next.close()
})
