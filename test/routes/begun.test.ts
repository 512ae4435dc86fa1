import t from 'tap'
import { begun } from '../../src/routes/begun.js'
import { ChunkStream } from '../../src/routes/chunk-stream.js'
import { until } from '../helper.js'

/** Three pieces, and whether what makes them has ended. */
function setUp () {
  const maker = { isEnded: false }
  const pieces = (async function * (): AsyncGenerator<string, void> {
    try {
      yield * ['a', 'b', 'c']
    } finally {
      maker.isEnded = true
    }
  })()
  return { maker, pieces }
}

t.test('all pieces come, the first one too', async t => {
  const { maker, pieces } = setUp()
  const found: string[] = []
  for await (const piece of new ChunkStream(await begun(pieces))) found.push(String(piece))
  t.equal(found.join(''), 'abc')
  t.ok(maker.isEnded)
})

t.test('where there are none, it ends at once', async t => {
  const iterator = await begun((async function * (): AsyncGenerator<string, void> {})())
  t.match(await iterator.next(), { done: true })
  t.match(await iterator.next(), { done: true })
})

t.test('a failure to make the first comes before the answer', async t => {
  await t.rejects(begun((async function * (): AsyncGenerator<string, void> { throw new Error('busy') })()), { message: 'busy' })
})

t.test('what makes the pieces is ended where the client leaves before it takes any', async t => {
  const { maker, pieces } = setUp()
  const stream = new ChunkStream(await begun(pieces))
  t.notOk(maker.isEnded)
  stream.destroy()
  await until(() => maker.isEnded)
})

t.test('nothing comes after that', async t => {
  const iterator = await begun(setUp().pieces)
  await iterator.return?.()
  t.match(await iterator.next(), { done: true })
})
