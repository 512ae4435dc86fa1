import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { CameraRepository } from '../../src/store/camera-repository.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { newSettings, temporaryFolder } from '../helper.js'

async function setUp (t: Test, path = join(temporaryFolder(t), 'history.db')) {
  const thread = await SqlThread.open(path)
  t.teardown(async () => { await thread.close() })
  return { path, thread, repository: new CameraRepository(thread) }
}

/** Whether the stream of each camera was stopped. */
async function stoppedStreams (repository: CameraRepository): Promise<Record<string, boolean>> {
  const { cameras } = await repository.load()
  return Object.fromEntries(cameras.map(({ settings, isStreamStopped }) => [settings.cameraId, isStreamStopped]))
}

t.test('a stopped stream is remembered over a restart', async t => {
  const { path, repository, thread } = await setUp(t)
  await repository.insert(newSettings('another'), 1000)
  t.strictSame(await stoppedStreams(repository), { default: false, another: false })
  await repository.setStreamStopped('default', 1000)
  t.strictSame(await stoppedStreams(repository), { default: true, another: false })
  await thread.close()
  const again = await setUp(t, path)
  t.strictSame(await stoppedStreams(again.repository), { default: true, another: false })
  await again.repository.setStreamStopped('default', null)
  t.strictSame(await stoppedStreams(again.repository), { default: false, another: false })
})

t.test('the error of SQLite is named where the history is locked', async t => {
  const { path, repository } = await setUp(t)
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  await t.rejects(repository.setStreamStopped('default', 1), { code: 'HISTORY_UNAVAILABLE', message: /SQLITE_BUSY/ })
  other.close()
})
