import t from 'tap'
import { pageHeaders } from '../../src/routes/content-security-policy.js'

t.test('nothing runs but what a page brings itself', async t => {
  // Both hashes are known from `printf a | openssl dgst -sha256 -binary | base64`.
  const { 'content-security-policy': policy, 'x-content-type-options': options } = pageHeaders({ style: 'a', script: 'b' })
  t.match(policy, "default-src 'none'")
  t.match(policy, "style-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='")
  t.match(policy, "script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='")
  t.equal(options, 'nosniff')
  t.notMatch(pageHeaders({ style: 'a' })['content-security-policy'], 'script-src')
})
