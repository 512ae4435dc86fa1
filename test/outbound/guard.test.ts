import t from 'tap'
import { parseAllowList } from '../../src/outbound/allow-list.js'
import { OutboundFailed, OutboundGuard, OutboundRefused, withoutBrackets, type Resolver } from '../../src/outbound/guard.js'

/** A guard with this OUTBOUND_ALLOW. */
function guard (allow: string, resolver?: Resolver): OutboundGuard {
  const read = parseAllowList(allow)
  if ('problem' in read) throw new Error(read.problem)
  return new OutboundGuard(read.rules, resolver)
}

const host = (url: string) => new URL(url).hostname

t.test('an ordinary address is allowed', async t => {
  t.strictSame(await guard('').resolve('8.8.8.8'), [{ address: '8.8.8.8', family: 4 }])
  t.strictSame(await guard('').resolve(host('http://[2606:4700::1111]/')), [{ address: '2606:4700::1111', family: 6 }])
})

t.test('the loopback is refused in every notation', async t => {
  for (const url of ['http://127.0.0.1', 'http://127.1', 'http://2130706433', 'http://0x7f000001', 'http://0x7f.1', 'http://0177.0.0.1', 'http://127.0.0.1.', 'http://1２7.0.0.1',
    'http://0', 'http://[::1]', 'http://[0:0:0:0:0:0:0:1]', 'http://[::ffff:127.0.0.1]', 'http://[::127.0.0.1]', 'http://%31%32%37.0.0.1', 'http://localhost', 'http://LOCALHOST']) {
    await t.rejects(guard('').resolve(host(url)), OutboundRefused, url)
  }
  // Where the URL parser does not know the scheme, the system's resolver may read such a host.
  for (const name of ['0x7f.1', '2130706433', 'fe80::1%lo', '::1%lo']) await t.rejects(guard('').resolve(name), /OUTBOUND_ALLOW|has no address/, name)
})

t.test('the refusal names the host, its address and the setting', async t => {
  const resolver: Resolver = async () => ['10.1.2.3']
  await t.rejects(guard('', resolver).resolve('camera.lan'), {
    message: 'camera.lan is 10.1.2.3, which is a private address, and the server may not reach it: if it should, name it in OUTBOUND_ALLOW (camera.lan or 10.1.2.3)'
  })
  await t.rejects(guard('').resolve('169.254.169.254'), {
    message: '169.254.169.254 is a link-local address, and the server may not reach it: if it should, name it in OUTBOUND_ALLOW (169.254.169.254)'
  })
})

t.test('a host is refused if any one of its addresses is', async t => {
  const resolver: Resolver = async () => ['8.8.8.8', '2606:4700::1111', '::1']
  await t.rejects(guard('', resolver).resolve('two-faced.example'), /two-faced\.example is ::1/)
  t.equal((await guard('::1', resolver).resolve('two-faced.example')).length, 3)
})

t.test('OUTBOUND_ALLOW allows by network and by name, and nothing else', async t => {
  const resolver: Resolver = async () => ['192.168.1.20']
  t.strictSame(await guard('192.168.1.0/24', resolver).resolve('camera.lan'), [{ address: '192.168.1.20', family: 4 }])
  t.strictSame(await guard('camera.lan', resolver).resolve('Camera.lan.'), [{ address: '192.168.1.20', family: 4 }])
  await t.rejects(guard('other.lan 192.168.2.0/24', resolver).resolve('camera.lan'), OutboundRefused)
  t.equal((await guard('127.0.0.1').resolve('127.0.0.1')).length, 1)
})

t.test('a name without an address is a failure that says so', async t => {
  await t.rejects(guard('').resolve('no-such-host.invalid'), OutboundFailed)
  await t.rejects(guard('', async () => []).resolve('nothing.example'), { message: 'nothing.example has no address: check the name' })
  await t.rejects(guard('', async () => { throw new Error('no') }).resolve('nothing.example'), OutboundFailed)
})

t.test('brackets are taken off IPv6 addresses alone', async t => {
  t.equal(withoutBrackets('[::1]'), '::1')
  t.equal(withoutBrackets('camera.lan'), 'camera.lan')
})
