import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { buildApp } from '../app.js'
import { loadConfig } from '../config.js'

/**
 * Writes the API's description to a file, as the routes' schemas give it: `openapi.yaml` of the current folder, or the
 * first argument. Settings do not matter but for the limits, which have their defaults.
 */
const target = process.argv[2] ?? 'openapi.yaml'
const folder = mkdtempSync(join(tmpdir(), 'videostream-openapi-'))
try {
  const app = await buildApp(loadConfig({ DATA_DIR: folder, CAMERA_PASSWORD: randomUUID(), LOG_LEVEL: 'error' }))
  writeFileSync(target, app.swagger({ yaml: true }))
  await app.close()
} finally {
  rmSync(folder, { recursive: true })
}
