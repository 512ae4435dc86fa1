import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { SqlThread } from '../../src/store/sql-thread.js'
import { SESSION_IDLE_MS, SESSION_MAX_MS, UserRepository } from '../../src/store/user-repository.js'
import { FakeClock, temporaryFolder } from '../helper.js'

const HOUR_MS = 3_600_000

async function setUp (t: Test, clock = new FakeClock()) {
  const path = join(temporaryFolder(t), 'videostream.db')
  const sql = await SqlThread.open(path)
  t.teardown(async () => { await sql.close() })
  const people = await UserRepository.open(sql, clock)
  return { path, sql, clock, people, reopened: async () => await UserRepository.open(sql, clock) }
}

t.test('users are kept over a restart', async t => {
  const { people, clock, reopened } = await setUp(t)
  t.equal(people.hasAdmin, false)
  await people.add('zoe', 'admin', 'hash of zoe', true)
  await people.add('adam', 'viewer', 'hash of adam', false)
  await t.rejects(people.add('adam', 'admin', 'x', true), { code: 'USER_EXISTS' })
  clock.advance(1000)
  await people.change('adam', { role: 'operator', passwordHash: 'new hash', enabled: true })
  for (const each of [people, await reopened()]) {
    t.strictSame(each.users, [
      { id: 2, username: 'adam', role: 'operator', passwordHash: 'new hash', enabled: true, createdAtMs: 1687530622123, passwordChangedAtMs: 1687530623123 },
      { id: 1, username: 'zoe', role: 'admin', passwordHash: 'hash of zoe', enabled: true, createdAtMs: 1687530622123, passwordChangedAtMs: 1687530622123 }
    ])
    t.equal(each.hasAdmin, true)
  }
  await people.remove('adam')
  t.equal(people.find('adam'), undefined)
  t.equal((await reopened()).find('adam'), undefined)
  await t.rejects(people.remove('adam'), { code: 'USER_NOT_FOUND' })
  await t.rejects(people.change('adam', { role: 'admin' }), { code: 'USER_NOT_FOUND' })
})

t.test('the last enabled admin stays, also where two are taken away at once', async t => {
  const { people, reopened } = await setUp(t)
  await people.add('one', 'admin', 'x', true)
  await people.add('off', 'admin', 'x', false)
  for (const change of [{ role: 'viewer' }, { enabled: false }] as const) await t.rejects(people.change('one', change), { code: 'LAST_ADMIN' })
  await t.rejects(people.remove('one'), { code: 'LAST_ADMIN' })
  await people.add('two', 'admin', 'x', true)
  const both = await Promise.allSettled([people.change('one', { role: 'operator' }), people.remove('two')])
  t.strictSame(both.map(({ status }) => status), ['fulfilled', 'rejected'])
  t.equal((await reopened()).hasAdmin, true)
})

t.test('changes at once do not undo each other', async t => {
  const { people, reopened } = await setUp(t)
  await people.add('jane', 'viewer', 'x', true)
  await Promise.all([people.change('jane', { enabled: false }), people.change('jane', { role: 'operator' }), people.change('jane', { passwordHash: 'y' })])
  t.match((await reopened()).find('jane'), { enabled: false, role: 'operator', passwordHash: 'y' })
})

t.test('a session holds until it is not used for 12 hours, and for 7 days at most', async t => {
  const { people, clock, reopened } = await setUp(t)
  const user = await people.add('jane', 'viewer', 'x', true)
  const issue = async () => await people.issue(user, 'session', 'a browser', clock.nowMs() + SESSION_MAX_MS)
  const idle = await issue()
  t.match(people.login(idle.secret, 'session'), { user, credential: { id: idle.credential.id } })
  t.equal(people.login(idle.secret, 'token'), undefined, 'a session is no token')
  t.match((await reopened()).login(idle.secret, 'session'), { user: { username: 'jane' } }, 'over a restart')
  clock.advance(SESSION_IDLE_MS - 1)
  t.ok(people.holds(idle.credential.id))
  clock.advance(1)
  t.equal(people.login(idle.secret, 'session'), undefined)
  t.notOk(people.holds(idle.credential.id))
  const busy = await issue()
  for (let hours = 0; hours < 7 * 24 - 1; hours += 1) {
    clock.advance(HOUR_MS)
    t.ok(people.login(busy.secret, 'session'))
  }
  clock.advance(HOUR_MS)
  t.equal(people.login(busy.secret, 'session'), undefined)
})

t.test('a token holds until it expires or is revoked, at once and over a restart', async t => {
  const { people, clock, reopened } = await setUp(t)
  const user = await people.add('jane', 'viewer', 'x', true)
  const lasting = await people.issue(user, 'token', 'recorder', null)
  const ending = await people.issue(user, 'token', 'visitor', clock.nowMs() + 1000)
  t.match(lasting.secret, /^vst_/)
  t.strictSame(people.tokensOf(user).map(({ name }) => name), ['recorder', 'visitor'])
  clock.advance(1000)
  t.equal(people.login(ending.secret, 'token'), undefined)
  t.strictSame(people.tokensOf(user).map(({ name }) => name), ['recorder'])
  clock.advance(1000 * 24 * HOUR_MS)
  t.match(people.login(lasting.secret, 'token'), { user })
  await people.revoke(lasting.credential)
  t.equal(people.login(lasting.secret, 'token'), undefined)
  t.equal((await reopened()).login(lasting.secret, 'token'), undefined)
})

t.test('a new password ends sessions but the one that is kept, and not tokens; disabling ends all', async t => {
  const { people, clock, reopened } = await setUp(t)
  await people.add('other', 'viewer', 'x', true)
  const user = await people.add('jane', 'viewer', 'x', true)
  const issue = async (kind: 'session' | 'token') => await people.issue(people.find('jane') ?? user, kind, '', clock.nowMs() + HOUR_MS)
  const [kept, ended, token] = [await issue('session'), await issue('session'), await issue('token')]
  let revoked = 0
  people.onRevoked(() => { revoked += 1 })
  await people.change('jane', { role: 'operator' })
  t.ok(people.login(ended.secret, 'session'), 'a new role does not')
  await people.change('jane', { passwordHash: 'y' }, kept.credential.id)
  for (const each of [people, await reopened()]) {
    t.ok(each.login(kept.secret, 'session'))
    t.notOk(each.login(ended.secret, 'session'))
    t.ok(each.login(token.secret, 'token'))
  }
  await people.change('jane', { enabled: false })
  t.notOk(people.login(kept.secret, 'session'))
  t.notOk(people.login(token.secret, 'token'))
  await people.change('jane', { enabled: true })
  t.notOk(people.login(kept.secret, 'session'))
  t.ok(people.login(token.secret, 'token'), 'tokens hold again')
  await people.remove('jane')
  await people.add('jane', 'admin', 'z', true)
  for (const each of [people, await reopened()]) t.notOk(each.login(token.secret, 'token'), 'never for another of the same name')
  t.equal(revoked, 5)
})

t.test('a login that was overtaken by a change of the user makes no session', async t => {
  const { people } = await setUp(t)
  const before = await people.add('jane', 'viewer', 'x', true)
  await people.change('jane', { passwordHash: 'y' })
  await t.rejects(people.issue(before, 'session', '', null), { code: 'LOGIN_WRONG' })
})

t.test('sessions and tokens of one user are bounded, and expired ones are swept', async t => {
  const { people, clock, path } = await setUp(t)
  const user = await people.add('jane', 'viewer', 'x', true)
  const first = await people.issue(user, 'session', '', clock.nowMs() + HOUR_MS)
  for (let i = 0; i < 99; i += 1) {
    clock.advance(1)
    await people.issue(user, 'session', '', clock.nowMs() + HOUR_MS)
    await people.issue(user, 'token', '', null)
  }
  t.ok(people.login(first.secret, 'session'))
  clock.advance(1)
  await people.issue(user, 'token', '', null)
  await t.rejects(people.issue(user, 'token', '', null), { code: 'TOO_MANY_TOKENS' })
  await people.issue(user, 'session', '', clock.nowMs() + HOUR_MS)
  t.ok(people.login(first.secret, 'session'), 'the one that was longest unused goes, and this one was used')
  const reader = new Database(path, { readonly: true })
  const sessions = reader.prepare<[], number>('SELECT count(*) FROM credentials WHERE kind = \'session\'').pluck()
  t.equal(sessions.get(), 100)
  clock.advance(HOUR_MS)
  await people.issue(user, 'session', '', clock.nowMs() + HOUR_MS)
  t.equal(sessions.get(), 1)
  reader.close()
})

t.test('when one was last used is kept to within five minutes', async t => {
  const { people, clock, sql, reopened } = await setUp(t)
  const user = await people.add('jane', 'viewer', 'x', true)
  const { secret } = await people.issue(user, 'token', '', null)
  const lastUsed = async () => {
    await sql.call('readPeople')
    return (await reopened()).tokensOf(user)[0]?.lastUsedAtMs
  }
  t.equal(await lastUsed(), null)
  const startMs = clock.nowMs()
  people.login(secret, 'token')
  t.equal(await lastUsed(), startMs)
  clock.advance(299_999)
  people.login(secret, 'token')
  t.equal(await lastUsed(), startMs)
  clock.advance(1)
  people.login(secret, 'token')
  t.equal(await lastUsed(), startMs + 300_000)
})

t.test('secrets and passwords are in no file', async t => {
  const { people, path, sql } = await setUp(t)
  const user = await people.add('jane', 'viewer', '$scrypt$', true)
  const { secret } = await people.issue(user, 'token', '', null)
  await sql.close()
  t.notOk(readFileSync(path).includes(secret.slice(4)))
})

t.test('a change that cannot be stored changes nothing', async t => {
  const { people, path } = await setUp(t)
  const user = await people.add('jane', 'viewer', 'x', true)
  const { secret, credential } = await people.issue(user, 'token', '', null)
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  await t.rejects(people.revoke(credential), { code: 'PEOPLE_UNAVAILABLE', statusCode: 503, message: /SQLITE_BUSY/ })
  t.ok(people.login(secret, 'token'))
  other.exec('ROLLBACK')
  other.close()
  await people.revoke(credential)
  t.notOk(people.login(secret, 'token'))
})

t.test('an admin who is made for now is gone with the process, unless kept', async t => {
  const { people, reopened } = await setUp(t)
  await people.makeAdmin('admin', 'x', false)
  t.equal(people.hasAdmin, true)
  t.equal((await reopened()).hasAdmin, false)
  const second = await reopened()
  await second.makeAdmin('admin', 'y', false)
  await second.makeLasting('admin')
  t.match((await reopened()).find('admin'), { role: 'admin', enabled: true, passwordHash: 'y' })
  t.equal((await reopened()).users.length, 1)
})
