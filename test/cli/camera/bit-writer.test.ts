import t from 'tap'
import { BitWriter, createHuffmanCodes } from '../../../src/cli/camera/bit-writer.js'

t.test('bits come highest first, a byte of ones gets a zero behind it, the rest is filled with ones', async t => {
  const writer = new BitWriter()
  writer.write(0b101, 3)
  writer.write(0b00000_11111111_0, 14)
  writer.flush()
  t.equal(writer.toBuffer().toString('hex'), 'a0ff007f')
  writer.reset()
  writer.writeBytes(Uint8Array.of(0xff, 0xd9))
  t.equal(writer.toBuffer().toString('hex'), 'ffd9', 'whole bytes are left as they are')
})

t.test('it grows as needed and keeps what was written', async t => {
  const writer = new BitWriter()
  writer.writeBytes(Buffer.alloc(60_000, 1))
  writer.writeBytes(Buffer.alloc(60_000, 2))
  t.strictSame(writer.toBuffer(), Buffer.concat([Buffer.alloc(60_000, 1), Buffer.alloc(60_000, 2)]))
})

t.test('Huffman codes count up within a length and double between', async t => {
  const { codes, lengths } = createHuffmanCodes({ counts: Uint8Array.of(0, 1, 2), symbols: Uint8Array.of(9, 4, 200) })
  t.strictSame([9, 4, 200].map(symbol => [codes[symbol], lengths[symbol]]), [[0b00, 2], [0b010, 3], [0b011, 3]])
})
