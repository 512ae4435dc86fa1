import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findPassword } from '../../../src/cli/camera/password.js'

t.test('the one given comes first, then the environment, then the file it names, then the server\'s own', async t => {
  const folder = t.testdir({ named: 'from a file\n', camera_password: 'the server made it' })
  const env = { CAMERA_PASSWORD: 'from the environment', CAMERA_PASSWORD_FILE: join(folder, 'named'), DATA_DIR: folder }
  t.equal(await findPassword('given', env), 'given')
  t.equal(await findPassword(undefined, env), 'from the environment')
  t.equal(await findPassword(undefined, { ...env, CAMERA_PASSWORD: '' }), 'from a file')
  t.equal(await findPassword(undefined, { DATA_DIR: folder }), 'the server made it')
})

t.test('a key goes before a password', async t => {
  const folder = t.testdir({ key: 'vsk_file\n', camera_password: 'the server made it' })
  const env = { CAMERA_KEY: 'vsk_environment', CAMERA_KEY_FILE: join(folder, 'key'), CAMERA_PASSWORD: 'password', DATA_DIR: folder }
  t.equal(await findPassword('given', env), 'given')
  t.equal(await findPassword(undefined, env), 'vsk_environment')
  t.equal(await findPassword(undefined, { ...env, CAMERA_KEY: '' }), 'vsk_file')
  t.equal(await findPassword(undefined, { ...env, CAMERA_KEY: '', CAMERA_KEY_FILE: '' }), 'password')
})

t.test('without any it says what to do', async t => {
  await t.rejects(findPassword(undefined, { CAMERA_PASSWORD_FILE: '/no/such/file' }),
    { exitCode: 2, message: /^no camera key: set CAMERA_KEY.*\/no\/such\/file/ })
  const folder = t.testdir({})
  await t.rejects(findPassword(undefined, { DATA_DIR: folder }), { message: join(folder, 'camera_password') })
  const cwd = process.cwd()
  t.teardown(() => process.chdir(cwd))
  process.chdir(folder)
  await t.rejects(findPassword(undefined, {}), { message: join('data', 'camera_password') })
})

t.test('one that no header can carry is refused', async t => {
  const file = join(t.testdir({}), 'password')
  writeFileSync(file, 'two\nlines\n')
  await t.rejects(findPassword(undefined, { CAMERA_PASSWORD_FILE: file }), { exitCode: 2, message: /line break/ })
  await t.rejects(findPassword('', {}), { exitCode: 2, message: /empty/ })
  t.equal(await findPassword('gr\u00fcn \u20ac', {}), 'gr\u00fcn \u20ac')
})
