import t from 'tap'
import { allowsAddress, allowsName, parseAllowList, type AllowRules } from '../../src/outbound/allow-list.js'

/** The rules of a list that has nothing wrong with it. */
function rulesOf (text: string): AllowRules {
  const read = parseAllowList(text)
  if ('problem' in read) throw new Error(read.problem)
  return read.rules
}

t.test('networks, addresses and names are read, whatever stands between them', async t => {
  const rules = rulesOf(' 10.1.0.0/16,fd00::/8\n127.0.0.1  Camera-1.Lan. ,, localhost')
  for (const address of ['10.1.0.0', '10.1.255.255', 'fd12::1', '127.0.0.1']) t.ok(allowsAddress(rules, address), address)
  for (const address of ['10.2.0.0', 'fe80::1', '127.0.0.2', '::1', '::ffff:10.1.0.1', 'nonsense']) t.notOk(allowsAddress(rules, address), address)
  for (const name of ['camera-1.lan', 'CAMERA-1.lan.', 'localhost']) t.ok(allowsName(rules, name), name)
  for (const name of ['lan', 'x.localhost', 'camera-1.lan.evil.example']) t.notOk(allowsName(rules, name), name)
})

t.test('an empty list allows nothing', async t => {
  for (const text of ['', ' ', ',']) t.strictSame(rulesOf(text), { names: new Set(), networks: [] })
})

t.test('everything can be allowed', async t => {
  const rules = rulesOf('0.0.0.0/0 ::/0')
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '8.8.8.8']) t.ok(allowsAddress(rules, address), address)
})

t.test('a wrong entry is named, with what to write', async t => {
  const table: Array<[text: string, problem: RegExp]> = [
    ['10.0.0.1/8', /^"10\.0\.0\.1\/8" has bits behind its prefix: write 10\.0\.0\.0\/8 for the network, or 10\.0\.0\.1 for the one address$/],
    ['fd00::1/8', /write fd00::\/8 for the network/],
    ['10.0.0.0/33', /from 0 to 32/], ['10.0.0.0/', /from 0 to 32/], ['10.0.0.0/-1', /from 0 to 32/], ['fd00::/129', /from 0 to 128/],
    ['10.0/8', /neither a network/], ['127.1', /neither a network/], ['0177.0.0.1/32', /neither a network/], ['2130706433', /neither a network/], ['1.2.3.4/8/8', /neither a network/],
    ['localhost:8080', /without scheme and port/], ['http://camera', /without scheme and port/], ['[::1]', /neither a network/], ['fe80::1%eth0', /neither a network/],
    ['camera!', /neither a host name/], ['-camera', /neither a host name/], ['*.lan', /neither a host name/], ['a..b', /neither a host name/], ['10.0.0.0/8,bad_name!', /"bad_name!"/]
  ]
  for (const [text, problem] of table) t.match(parseAllowList(text), { problem }, text)
})
