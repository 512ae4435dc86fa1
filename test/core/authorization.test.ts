import t from 'tap'
import { parseAuthorization } from '../../src/core/authorization.js'

const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`

t.test('a name and password', async t => {
  const table: Array<[string, string, string]> = [['jane:secret', 'jane', 'secret'], ['jane:a:b', 'jane', 'a:b'], [':secret', '', 'secret'], ['jane:', 'jane', ''], ['jöhn:pässwörd', 'jöhn', 'pässwörd']]
  for (const [text, username, password] of table) t.strictSame(parseAuthorization(basic(text)), { scheme: 'basic', username, password })
  t.strictSame(parseAuthorization('bAsIc   amFuZTpzZWNyZXQ='), { scheme: 'basic', username: 'jane', password: 'secret' }, 'in any letter case')
})

t.test('a bearer token', async t => {
  t.strictSame(parseAuthorization('Bearer vst_a-b_c'), { scheme: 'bearer', token: 'vst_a-b_c' })
  t.strictSame(parseAuthorization('bearer abc=='), { scheme: 'bearer', token: 'abc==' })
})

t.test('anything else is neither', async t => {
  for (const header of ['', 'Basic', 'Bearer', 'Bearer ', 'Digest username="a"', basic('no colon'), 'Basic ä', 'Bearer a b', 'Bearera', `${' '.repeat(10)}Bearer a`, 'Basic a=b']) {
    t.equal(parseAuthorization(header), undefined, header)
  }
})
