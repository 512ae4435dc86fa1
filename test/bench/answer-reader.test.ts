import t from 'tap'
import { AnswerReader } from '../../bench/answer-reader.js'

const answers = [
  { status: 200, text: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' },
  { status: 401, text: 'HTTP/1.1 401 Unauthorized\r\ncontent-length:0\r\n\r\n' },
  { status: 200, text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n' },
  { status: 304, text: 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n' },
  { status: 204, text: 'HTTP/1.1 204 No Content\r\n\r\n' }
]

t.test('each answer is told once and when it is whole, wherever the bytes are split', async t => {
  for (const answer of answers) {
    for (let at = 0; at < answer.text.length; at++) {
      const seen: number[] = []
      const reader = new AnswerReader(status => { seen.push(status) })
      reader.push(Buffer.from(answer.text.slice(0, at)))
      t.strictSame(seen, [], `${answer.text.slice(0, at)} is not whole`)
      reader.push(Buffer.from(answer.text.slice(at)))
      t.strictSame(seen, [answer.status])
      reader.push(Buffer.from('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'))
      t.strictSame(seen, [answer.status, 201], 'the next answer of the connection')
    }
  }
})

t.test('half an answer is forgotten with its connection', async t => {
  const seen: number[] = []
  const reader = new AnswerReader(status => { seen.push(status) })
  reader.push(Buffer.from('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 10\r\n\r\nabc'))
  reader.reset()
  reader.push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  t.strictSame(seen, [200])
})
