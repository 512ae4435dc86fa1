import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { ADMIN_PASSWORD, startServer, temporaryFolder } from '../helper.js'
import { keptLog, type LogLine } from '../http.js'

/** Whether somebody can log in. */
async function logsIn (url: string, username: string, password: string): Promise<boolean> {
  const headers = { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  return (await fetch(`${url}/api/me`, { headers })).status === 200
}

function folderOf (t: Test): string {
  return join(temporaryFolder(t), 'data')
}

t.test('the first start makes the user admin with the password of the settings', async t => {
  const folder = folderOf(t)
  const first = await startServer(t, { DATA_DIR: folder })
  t.equal(first.app.madeAdmin, undefined)
  t.ok(await logsIn(first.url, 'admin', ADMIN_PASSWORD))
  t.match(first.app.people.users, [{ username: 'admin', role: 'admin', enabled: true }])
  await first.app.close()

  const second = await startServer(t, { DATA_DIR: folder, ADMIN_PASSWORD: 'another-password-by-now' })
  t.ok(await logsIn(second.url, 'admin', ADMIN_PASSWORD), 'which holds for that start alone')
  t.notOk(await logsIn(second.url, 'admin', 'another-password-by-now'))
})

t.test('without a setting a password is made, and holds once somebody has seen it', async t => {
  const environment = { DATA_DIR: folderOf(t), ADMIN_PASSWORD: undefined }
  const first = await startServer(t, environment)
  const made = first.app.madeAdmin
  t.match(made, { username: 'admin', password: /^[\w-]{24}$/ })
  t.ok(await logsIn(first.url, 'admin', made?.password ?? ''))
  await first.app.close()

  const second = await startServer(t, environment)
  const again = second.app.madeAdmin
  t.not(again?.password, made?.password, 'nobody has seen the first one')
  t.notOk(await logsIn(second.url, 'admin', made?.password ?? ''))
  await again?.shown()
  await second.app.close()

  const third = await startServer(t, environment)
  t.equal(third.app.madeAdmin, undefined)
  t.ok(await logsIn(third.url, 'admin', again?.password ?? ''))
})

t.test('passwords are neither logged nor kept', async t => {
  const log = keptLog()
  const { app, config } = await startServer(t, { ADMIN_PASSWORD: undefined }, { logger: log.logger })
  const password = app.madeAdmin?.password ?? ''
  await app.madeAdmin?.shown()
  t.match(log.lines.filter((line: LogLine) => line.msg === 'the first administrator was made'), [{ username: 'admin' }])
  t.notMatch(log.text(), password)
  const database = new Database(join(config.dataDir, 'videostream.db'), { readonly: true })
  t.match(database.prepare('SELECT password_hash FROM users').pluck().all(), [/^\$scrypt\$/])
  database.close()
})

t.test('an administrator who has forgotten the password is made anew, as docs/security.md says', async t => {
  const folder = folderOf(t)
  const before = await startServer(t, { DATA_DIR: folder })
  const user = before.app.people.find('admin')
  if (user === undefined) throw new Error('no admin')
  const { secret } = await before.app.people.issue(user, 'token', 'of whoever it was', null)
  await before.app.close()
  const database = new Database(join(folder, 'videostream.db'))
  database.pragma('foreign_keys = OFF') // as in the sqlite3 shell
  const [, sql = ''] = /^sqlite3 data\/videostream\.db "(DELETE [^"]+)"$/m.exec(readFileSync('docs/security.md', 'utf8')) ?? []
  database.exec(sql)
  database.close()

  const after = await startServer(t, { DATA_DIR: folder, ADMIN_PASSWORD: 'a-new-one-this-time' })
  t.ok(await logsIn(after.url, 'admin', 'a-new-one-this-time'))
  t.notOk(await logsIn(after.url, 'admin', ADMIN_PASSWORD))
  t.equal(after.app.people.login(secret, 'token'), undefined, 'tokens of the old one are not the new one\'s')
})
