import { once } from 'node:events'
import t from 'tap'
import { LiveFeed } from '../../src/core/live-feed.js'
import { LiveEventStream, type LiveTexts } from '../../src/routes/live-event-stream.js'

/** Pages of one entry each, whose text is long. */
const setUp = () => {
  const reads: number[] = []
  const feed = new LiveFeed(0, 10, async after => {
    reads.push(after)
    return { entries: [], through: after + 1 }
  })
  const texts: LiveTexts = { page: ({ through }) => `${through}${'x'.repeat(30_000)}\n\n`, storage: ({ failures }) => `storage ${failures}\n\n` }
  return { feed, reads, texts }
}

t.test('it begins with when to come back and from where', async t => {
  const { feed, texts } = setUp()
  const stream = new LiveEventStream(feed, texts, 0, 'before\n\n')
  t.equal(String((await once(stream, 'data'))[0]), 'retry: 2000\nid: 0\n\nbefore\n\n')
  stream.destroy()
})

t.test('a client that takes nothing keeps its place and no more, and goes on from there when it takes again', async t => {
  const { feed, reads, texts } = setUp()
  const stream = new LiveEventStream(feed, texts, 0)
  stream.read(0)
  for (let sequence = 1; sequence <= 1000; sequence += 1) {
    feed.grow(sequence)
    stream.wake()
    stream.beat()
    await new Promise(resolve => setImmediate(resolve))
  }
  t.ok(reads.length <= 2, `read ahead ${reads.length}`)
  t.ok(stream.readableLength < 100_000, `holds ${stream.readableLength}`)
  let text = ''
  stream.on('data', (chunk: Buffer) => { text += String(chunk) })
  while (!text.includes('1000x')) await once(stream, 'data')
  t.strictSame([...text.matchAll(/(\d+)x{30000}\n\n/g)].map(([, sequence]) => Number(sequence)), Array.from({ length: 1000 }, (_, nth) => nth + 1))
  t.ok((text.match(/^:$/gm)?.length ?? 0) <= 2, 'one heartbeat for all that it did not take, and maybe one before')
  stream.destroy()
})

t.test('a heartbeat where nothing happens, and trouble with storing once', async t => {
  const { feed, texts } = setUp()
  const stream = new LiveEventStream(feed, texts, 0)
  let text = ''
  stream.on('data', (chunk: Buffer) => { text += String(chunk) })
  const settled = async (): Promise<void> => { for (let turn = 0; turn < 5; turn += 1) await new Promise(resolve => setImmediate(resolve)) }
  await settled()
  text = ''
  stream.beat()
  await settled()
  t.equal(text, ':\n\n')
  feed.noteStorage({ ok: false, failures: 3, lastError: 'EIO' })
  stream.wake()
  stream.wake()
  await settled()
  t.equal(text, ':\n\nstorage 3\n\n')
  stream.destroy()
})

t.test('it leaves the feed however it ends', async t => {
  const { feed, texts } = setUp()
  const [finished, cut] = [new LiveEventStream(feed, texts, 0), new LiveEventStream(feed, texts, 0)]
  t.equal(feed.clients.size, 2)
  cut.cut()
  finished.resume()
  finished.finish()
  await once(finished, 'close')
  t.equal(feed.clients.size, 0)
  finished.finish()
  finished.wake()
})
