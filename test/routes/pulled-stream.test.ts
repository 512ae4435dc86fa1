import t from 'tap'
import { ChunkStream } from '../../src/routes/chunk-stream.js'

/** Pieces that say what was asked of them. */
function told (pieces: readonly string[]) {
  const asked = { pieces: 0, isEnded: false }
  async function * make (): AsyncGenerator<string, void> {
    try {
      for (const piece of pieces) {
        asked.pieces += 1
        yield piece
      }
    } finally {
      asked.isEnded = true
    }
  }
  return { asked, pieces: make() }
}

t.test('pieces come in their order, and empty ones stop nothing', async t => {
  const stream = new ChunkStream(told(['a', '', '', 'b', '']).pieces)
  const text: string[] = []
  for await (const piece of stream) text.push(String(piece))
  t.equal(text.join(''), 'ab')
})

t.test('no more is made than is read', async t => {
  const { asked, pieces } = told(Array<string>(1000).fill('x'.repeat(20_000)))
  const stream = new ChunkStream(pieces)
  stream.read(0)
  await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
  t.ok(asked.pieces < 10, String(asked.pieces))
  stream.destroy()
})

t.test('what makes the pieces is ended when the client leaves', async t => {
  const { asked, pieces } = told(['a', 'b'])
  const stream = new ChunkStream(pieces)
  stream.read(0)
  await new Promise(resolve => setImmediate(resolve))
  await new Promise<void>(resolve => { stream.once('close', () => { resolve() }).destroy() })
  t.ok(asked.isEnded)
})

t.test('a failure cuts it', async t => {
  async function * broken (): AsyncGenerator<string, void> {
    yield 'a'
    throw new Error('the disk is gone')
  }
  await t.rejects(async () => { for await (const _piece of new ChunkStream(broken())) t.ok(_piece) }, /the disk is gone/)
})
