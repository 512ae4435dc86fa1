import t from 'tap'
import { isCrossSite } from '../../src/core/cross-site.js'

t.test('what a browser says of where a request comes from counts', async t => {
  for (const site of ['same-origin', 'none']) t.notOk(isCrossSite({ 'sec-fetch-site': site, origin: 'https://other.example' }, 'here.example'), site)
  for (const site of ['cross-site', 'same-site', 'nonsense', '']) t.ok(isCrossSite({ 'sec-fetch-site': site, origin: 'https://here.example' }, 'here.example'), site)
})

t.test('where it does not say, the origin is compared with the host', async t => {
  const same: Array<[string, string]> = [
    ['http://here.example', 'here.example'], ['http://here.example:5000', 'here.example:5000'], ['https://here.example', 'here.example:443'],
    ['https://here.example', 'here.example'], ['http://here.example', 'here.example:80'], ['http://[::1]:5000', '[::1]:5000'], ['http://HERE.example', 'here.example']
  ]
  for (const [origin, host] of same) t.notOk(isCrossSite({ origin }, host), `${origin} ${host}`)
  const other: Array<[string, string]> = [
    ['http://other.example', 'here.example'], ['http://here.example', 'here.example:5000'], ['http://here.example.other.example', 'here.example'],
    ['null', 'here.example'], ['', 'here.example'], ['http://here.example', ''], ['http://here.example@other.example', 'here.example'], ['https://here.example:80', 'here.example']
  ]
  for (const [origin, host] of other) t.ok(isCrossSite({ origin }, host), `${origin} ${host}`)
})

t.test('programs say neither', async t => {
  t.notOk(isCrossSite({}, 'here.example'))
})
