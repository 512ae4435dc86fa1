import { Socket } from 'node:net'
import t from 'tap'
import { isEndless, markEndless } from '../../src/plugins/endless-requests.js'

t.test('only the time limit of a request is waived, and only where it was said', async t => {
  const endless = new Socket()
  markEndless(endless)
  const timeout = Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
  t.equal(isEndless(timeout, endless), true)
  t.equal(isEndless(timeout, new Socket()), false)
  t.equal(isEndless(Object.assign(new Error(), { code: 'HPE_INVALID_CONSTANT' }), endless), false)
})
