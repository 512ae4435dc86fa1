import t from 'tap'
import { ChunkStream } from '../../src/routes/chunk-stream.js'
import { until } from '../helper.js'

t.test('all pieces come, empty ones are none', async t => {
  const stream = new ChunkStream((async function * () { yield * ['a', '', Buffer.from('b'), Buffer.alloc(0), '', 'c'] })())
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  t.equal(text, 'abc')
})

t.test('pieces are made only as they are read, and their maker is ended when the reader leaves', async t => {
  let [made, ended] = [0, false]
  const stream = new ChunkStream((async function * () {
    try {
      for (;;) {
        made += 1
        yield Buffer.alloc(64 * 1024)
      }
    } finally {
      ended = true
    }
  })())
  await new Promise(resolve => { stream.once('data', resolve) })
  stream.pause()
  await new Promise(resolve => { setImmediate(resolve) })
  t.ok(made < 20)
  stream.destroy()
  await until(() => ended)
})

t.test('a failure ends the stream with it', async t => {
  const stream = new ChunkStream((async function * (): AsyncGenerator<string> {
    yield 'a'
    throw new Error('no more')
  })())
  await t.rejects((async () => { for await (const chunk of stream) t.equal(String(chunk), 'a') })(), /no more/)
})
