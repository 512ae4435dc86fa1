import t from 'tap'
import { messageOf } from '../../../src/cli/camera/message-of.js'

t.test('it finds the words for anything that is thrown', async t => {
  t.equal(messageOf(new Error('broken')), 'broken')
  t.equal(messageOf(Object.assign(new Error(''), { code: 'ECONNREFUSED' })), 'ECONNREFUSED')
  t.equal(messageOf(new TypeError('')), 'TypeError')
  t.equal(messageOf('text'), 'text')
})
