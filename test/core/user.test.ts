import t from 'tap'
import { newPasswordProblem, USERNAME_PATTERN } from '../../src/core/user.js'
import { Username } from '../../src/schemas/people.js'

t.test('passwords are judged by their length, and whether everyone tries them first', async t => {
  for (const password of ['twelve chars', 'correct horse battery staple', 'zwölf Zeichen', '\u{1f6e2}\u{1f30a}\u{1f41f}\u{1f6e2}\u{1f30a}\u{1f41f}\u{1f6a2}\u{1f6e2}\u{1f30a}\u{1f41f}\u{1f6e2}\u{1f30a}', ' spaces at the ends ', `abcd${'x'.repeat(252)}`]) {
    t.equal(newPasswordProblem(password, 'jane'), undefined, password.slice(0, 20))
  }
  const table: Array<[string, RegExp]> = [
    ['', /^is empty/], ['elevenchars', /^is shorter than 12 characters/], [`abcd${'x'.repeat(253)}`, /^is longer than 256/],
    ['aaaaaaaaaaaaaaaa', /over and over/], ['ababABABababab', /over and over/], ['password1234', /everyone tries first/], ['Admin-Admin-2026', /everyone tries first/],
    ['123456789012', /everyone tries first/], ['jane.doejane.doe1', /little more than the user name/], ['vst_a-secret-of-mine', /API tokens/]
  ]
  for (const [password, problem] of table) t.match(newPasswordProblem(password, 'jane.doe'), problem, password.slice(0, 20))
})

t.test('a problem does not show the password', async t => {
  t.notMatch(newPasswordProblem('password1234', 'jane'), 'password1234')
})

t.test('the schema of names is the one of the core', async t => {
  t.equal(Username.pattern, USERNAME_PATTERN)
  const pattern = new RegExp(USERNAME_PATTERN)
  for (const name of ['a', '0', 'jane.doe', 'a-b_c.d', 'x'.repeat(63)]) t.ok(pattern.test(name), name)
  for (const name of ['', 'Jane', '.a', '-a', '_a', 'a b', 'a/b', 'ä', 'x'.repeat(64), 'a\n']) t.notOk(pattern.test(name), name)
})
