import { createHash } from 'node:crypto'
import t from 'tap'
import { Credentials } from '../../src/outbound/credentials.js'

/** The parameters of an Authorization header. */
const parametersOf = (header: string) => Object.fromEntries([...header.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map(([, name, quoted, plain]) => [name, quoted ?? plain]))

t.test('nothing is sent before the server asks', async t => {
  t.equal(new Credentials('u', 'p').authorize('GET', '/'), undefined)
})

t.test('the credentials of a URL are decoded, or taken as they are', async t => {
  t.equal(Credentials.of(new URL('http://camera/')), undefined)
  for (const [url, plain] of [['http://us%40er:p%3Ass@camera/', 'us@er:p:ss'], ['http://user@camera/', 'user:'], ['http://u:100%@camera/', 'u:100%'], ['http://%C3%BC:p@camera/', 'ü:p']] as const) {
    const credentials = Credentials.of(new URL(url))
    t.ok(credentials?.challenge('Basic realm="x"'))
    t.equal(credentials?.authorize('GET', '/'), `Basic ${Buffer.from(plain).toString('base64')}`, url)
  }
})

t.test('Digest is as in RFC 7616 and RFC 2617, for each algorithm', async t => {
  for (const [algorithm, hash] of [[undefined, 'md5'], ['MD5', 'md5'], ['md5-sess', 'md5'], ['SHA-256', 'sha256'], ['SHA-256-sess', 'sha256']] as const) {
    for (const qop of [undefined, 'auth', 'auth-int, auth']) {
      const credentials = new Credentials('Mufasa', 'Circle of Life')
      t.ok(credentials.challenge(`Digest realm="http-auth@example.org", ${qop === undefined ? '' : `qop="${qop}", `}${algorithm === undefined ? '' : `algorithm=${algorithm}, `}nonce="7ypf/xlj9XXwfDPEoM4URrv", opaque="FQhe\\"/qaU"`))
      for (const nc of ['00000001', '00000002']) {
        const header = parametersOf(credentials.authorize('GET', '/dir/index.html?a=1') ?? '')
        const h = (text: string) => createHash(hash).update(text).digest('hex')
        const secret = h('Mufasa:http-auth@example.org:Circle of Life')
        const ha1 = algorithm?.endsWith('-sess') === true ? h(`${secret}:${header['nonce']}:${header['cnonce']}`) : secret
        const between = qop === undefined ? '' : `:${nc}:${header['cnonce']}:auth`
        t.match(header, { username: 'Mufasa', uri: '/dir/index.html?a=1', opaque: 'FQhe\\"/qaU', response: h(`${ha1}:${header['nonce']}${between}:${h('GET:/dir/index.html?a=1')}`) }, `${algorithm} ${qop} ${nc}`)
        t.equal(header['nc'], qop === undefined ? undefined : nc)
      }
    }
  }
})

t.test('the best challenge is answered: SHA-256, MD5, Basic', async t => {
  const sha = 'Digest realm="r", qop="auth", algorithm=SHA-256, nonce="n1"'
  const md5 = 'Digest realm="r", qop="auth", algorithm=MD5, nonce="n2"'
  const basic = 'Basic realm="r"'
  for (const [header, expected] of [
    [`${basic}, ${md5}, ${sha}`, /^Digest .*nonce="n1"/], [`${basic}, ${md5}`, /^Digest .*nonce="n2"/], [`Negotiate, ${basic}`, /^Basic /],
    [`Digest realm="r", algorithm=SHA-512-256, nonce="n", qop="auth", ${basic}`, /^Basic /], [`Digest realm="r", qop="auth-int", nonce="n", ${basic}`, /^Basic /]
  ] as const) {
    const credentials = new Credentials('u', 'p')
    t.ok(credentials.challenge(header))
    t.match(credentials.authorize('GET', '/'), expected, header)
  }
})

t.test('a challenge that cannot be answered says so', async t => {
  for (const header of ['', 'Bearer realm="x"', 'Negotiate abc==', 'Digest realm="r"', '"', ',,=']) t.notOk(new Credentials('u', 'p').challenge(header), header)
})

t.test('nothing ends the header early', async t => {
  const credentials = new Credentials('a"b\\c\r\nX: 1', 'p')
  credentials.challenge('Digest realm="r", nonce="n"')
  t.match(credentials.authorize('GET', '/'), /^Digest username="a\\"b\\\\cX: 1", [^\r\n]*$/)
})
