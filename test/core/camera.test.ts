import t from 'tap'
import { CAMERA_ID_PATTERN, passwordMatcher, passwordProblem } from '../../src/core/camera.js'
import { CameraParams, CameraQuery, CamerasQuery } from '../../src/schemas/camera.js'

t.test('a password of 12 printable characters or more may be used', async t => {
  for (const password of ['a'.repeat(12), 'correct horse battery staple', '!~ "quoted" ~!', 'x'.repeat(200), 'Your_Secure_Password']) {
    t.equal(passwordProblem(password), undefined, password)
  }
})

t.test('what is wrong with a password is said without the password', async t => {
  const table: Array<[password: string, problem: RegExp]> = [
    ['', /^is empty; .*12 characters/],
    ['your_default_password', /^is an example from the documentation/],
    ['your_secure_password', /^is an example from the documentation/],
    ['elevenchars', /^is shorter than 12 characters/],
    ['vsk_anything-that-is-long', /^begins with vsk_, as the keys of cameras do/],
    ['a', /^is shorter than 12 characters/],
    ['passwörter-sind-lang', /^has characters that cannot travel in an HTTP header/],
    ['twelve chars\n', /^has characters that cannot travel/],
    ['tab\tin the middle', /^has characters that cannot travel/],
    [' space at the start', /^has characters that cannot travel/],
    ['space at the end ', /^has characters that cannot travel/],
    ['zero\0in the middle', /^has characters that cannot travel/]
  ]
  for (const [password, problem] of table) {
    const said = passwordProblem(password) ?? 'nothing'
    t.match(said, problem, JSON.stringify(password))
    if (password.length > 1) t.notOk(said.includes(password))
    t.notOk(said.includes('\n'), 'one line')
  }
})

t.test('only the right password matches, whatever the length of the other', async t => {
  const matches = passwordMatcher('a-password-for-tests')
  t.equal(matches('a-password-for-tests'), true)
  for (const wrong of ['', 'a', 'a-password-for-test', 'a-password-for-tests ', 'A-password-for-tests', 'x'.repeat(100_000),
    ...['\0', 'é', '€', '😀', '\ud83d', '\xff', 'a-password-for-tests'].map(more => `a-password-for-tests${more}`), 'á-password-for-tests', '\u0161-password-for-tests']) {
    t.equal(matches(wrong), false, JSON.stringify(wrong.slice(0, 30)))
  }
})

t.test('a password that begins like a key is no good', async t => {
  t.match(passwordProblem('vsk_and-many-more-characters'), /^begins with vsk_/)
})

t.test('what a camera may be called: the same by every path', async t => {
  for (const { pattern } of [CameraParams.properties.camera_id, CameraQuery.properties.camera, CamerasQuery.properties.camera]) t.equal(pattern, CAMERA_ID_PATTERN)
  const pattern = new RegExp(CAMERA_ID_PATTERN)
  for (const id of ['a', '7', 'default', 'rig-4_north', 'a'.repeat(63)]) t.match(id, pattern, id)
  for (const id of ['', 'A', '-a', '_a', 'a b', 'a/b', '..', 'a.b', 'å', 'a\n', 'a\0', 'a'.repeat(64)]) t.notMatch(id, pattern, JSON.stringify(id))
})
