import { finished } from 'node:stream/promises'
import t from 'tap'
import { JsonArrayStream } from '../../src/routes/json-array-stream.js'

async function * pagesOf (...pages: number[][]): AsyncGenerator<number[]> {
  for (const page of pages) yield page
}

async function textOf (stream: JsonArrayStream<number>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

t.test('no pages are an empty array', async t => {
  t.equal(await textOf(new JsonArrayStream(pagesOf(), String)), '[]')
})

t.test('pages with nothing in them, as a search has them, change nothing', async t => {
  t.equal(await textOf(new JsonArrayStream(pagesOf([]), String)), '[]')
  t.equal(await textOf(new JsonArrayStream(pagesOf([], [], [1], [], [2], []), String)), '[1,2]')
})

t.test('pages become one array in order', async t => {
  t.equal(await textOf(new JsonArrayStream(pagesOf([1, 2], [3], [4, 5]), String)), '[1,2,3,4,5]')
})

t.test('items are written by the given function', async t => {
  t.equal(await textOf(new JsonArrayStream(pagesOf([1]), item => `{"n":${item}}`)), '[{"n":1}]')
})

t.test('a page is asked for only when somebody reads', async t => {
  let asked = 0
  const stream = new JsonArrayStream<number>({
    next: async () => {
      asked += 1
      return { done: false, value: [1] }
    }
  }, () => 'x'.repeat(100_000))
  t.equal(asked, 0)
  stream.read(0)
  await new Promise(resolve => stream.once('readable', resolve))
  t.equal(asked, 1, 'a full buffer asks for no more')
  stream.destroy()
})

t.test('a failure cuts the stream', async t => {
  const failing = (error: unknown): AsyncIterator<number[]> => {
    let calls = 0
    return {
      next: async () => {
        calls += 1
        if (calls > 1) throw error
        return { done: false, value: [1] }
      }
    }
  }
  const broken = new Error('broken')
  await t.rejects(textOf(new JsonArrayStream(failing(broken), String)), broken)
  await t.rejects(textOf(new JsonArrayStream(failing('not an error'), String)), { message: 'not an error' })
})

t.test('a reader that leaves ends the iteration', async t => {
  let ended = false
  const pages = (async function * (): AsyncGenerator<number[]> {
    try {
      while (true) yield [1]
    } finally {
      ended = true
    }
  })()
  const stream = new JsonArrayStream(pages, String)
  await new Promise(resolve => stream.once('data', resolve))
  stream.destroy()
  await finished(stream).catch(() => {})
  t.ok(ended)
})

t.test('an iteration that fails to end does not hold the stream open', async t => {
  const stream = new JsonArrayStream<number>({
    next: async () => ({ done: false, value: [1] }),
    return: async () => { throw new Error('cannot end') }
  }, String)
  const closed = new Promise<void>(resolve => stream.once('close', resolve))
  stream.destroy()
  await closed
  t.equal(stream.errored, null)
})
