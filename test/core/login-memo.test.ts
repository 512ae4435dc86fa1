import t from 'tap'
import { LoginMemo } from '../../src/core/login-memo.js'
import type { User } from '../../src/core/user.js'

const jane: User = { id: 1, username: 'jane', role: 'viewer', passwordHash: '', enabled: true, createdAtMs: 0, passwordChangedAtMs: 0 }

t.test('a login is remembered for its address, name and password', async t => {
  const memo = new LoginMemo()
  memo.remember(memo.keyOf('192.0.2.1', 'jane', 'secret'), jane)
  const recall = (address: string, name: string, password: string) => memo.recall(memo.keyOf(address, name, password), () => jane)
  t.equal(recall('192.0.2.1', 'jane', 'secret'), jane)
  const others: Array<[string, string, string]> = [['192.0.2.2', 'jane', 'secret'], ['192.0.2.1', 'john', 'secret'], ['192.0.2.1', 'jane', 'Secret'], ['192.0.2.1', 'janes', 'ecret']]
  for (const other of others) t.equal(recall(...other), undefined)
})

t.test('and until the user changes in any way', async t => {
  const memo = new LoginMemo()
  const key = memo.keyOf('192.0.2.1', 'jane', 'secret')
  memo.remember(key, jane)
  t.equal(memo.recall(key, () => ({ ...jane })), undefined)
  t.equal(memo.recall(key, () => jane), undefined, 'then it is forgotten')
  memo.remember(key, jane)
  t.equal(memo.recall(key, () => undefined), undefined)
})

t.test('only so many, and nothing of them can be read', async t => {
  const memo = new LoginMemo()
  for (let i = 0; i <= 1000; i += 1) memo.remember(memo.keyOf('192.0.2.1', 'jane', String(i)), jane)
  t.equal(memo.recall(memo.keyOf('192.0.2.1', 'jane', '0'), () => jane), undefined)
  t.equal(memo.recall(memo.keyOf('192.0.2.1', 'jane', '1'), () => jane), jane)
  t.not(memo.keyOf('a', 'b', 'c'), new LoginMemo().keyOf('a', 'b', 'c'), 'each has a key of its own')
})
