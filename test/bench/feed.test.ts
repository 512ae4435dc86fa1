import t from 'tap'
import { inChunks } from '../../bench/feed-connection.js'
import { FeedReader } from '../../bench/servers/feed-reader.js'
import { jpeg } from '../helper.js'

const frames = [jpeg({ color: [200, 0, 0] }), jpeg({ color: [0, 200, 0], width: 64, height: 64 }), jpeg()]

/** As ffmpeg writes it: the first boundary in a chunk of its own, each further one behind its frame. */
function feedOf (chunkBytes: number): Buffer {
  const parts = frames.map(body => [Buffer.from(`Content-type: image/jpeg\r\nContent-length: ${body.length}\r\n\r\n`), body, Buffer.from('\r\n--ffmpeg\r\n')])
  return Buffer.concat([[Buffer.from('--ffmpeg\r\n')], ...parts].flatMap(each => inChunks(each, chunkBytes)))
}

function read (pieces: readonly Buffer[]): Buffer[] {
  const seen: Buffer[] = []
  const reader = new FeedReader({ allocate: length => ({ jpeg: Buffer.alloc(length) }), onFrame: frame => { seen.push(frame.jpeg) } })
  for (const piece of pieces) reader.push(piece)
  return seen
}

t.test('chunks hold as many bytes as they say, and no more than they may', async t => {
  const text = Buffer.concat(inChunks([Buffer.from('abc'), Buffer.from('defgh'), Buffer.alloc(0), Buffer.from('i')], 4)).toString()
  t.equal(text, '4\r\nabcd\r\n4\r\nefgh\r\n1\r\ni\r\n')
  t.strictSame(inChunks([], 4), [])
})

t.test('a feed is read again, wherever chunks begin and the bytes are split', async t => {
  for (const chunkBytes of [1, 7, 100, 32 * 1024]) {
    const bytes = feedOf(chunkBytes)
    for (const step of [1, 2, 13, 999, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step))
      t.strictSame(read(pieces), frames, `chunks of ${chunkBytes}, pieces of ${step}`)
    }
    for (let at = 0; at < bytes.length; at += 3) t.strictSame(read([bytes.subarray(0, at), bytes.subarray(at)]).length, frames.length)
  }
})
