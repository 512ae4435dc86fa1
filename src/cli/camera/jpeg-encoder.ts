import { BitWriter, createHuffmanCodes, type HuffmanCodes } from './bit-writer.js'
import { chromaQuantisation, huffmanTables, lumaQuantisation, zigzag, type HuffmanTable } from './jpeg-tables.js'

/** Turns RGBA pixels of one size into baseline JPEGs. */
export interface JpegEncoder {
  /** Encodes width x height pixels of four bytes each, rows from the top, alpha ignored. They start at a multiple of 4. */
  encode (rgba: Uint8Array): Buffer
}

/** One of the two kinds of picture parts in a JPEG: brightness, or one of the two colour differences. */
interface Channel {
  /** What to multiply each coefficient with, block order; it undoes the scaling of `transform` too. */
  scale: Float32Array
  dc: HuffmanCodes
  ac: HuffmanCodes
}

/**
 * A small baseline JPEG encoder (ITU-T T.81) with colour at half resolution (4:2:0), so that it has half as much to do
 * as jpeg-js, which stores colour in full: about 20 ms of one core for a picture of 1280x720 instead of 100.
 * @param quality from 1 to 100, with the same meaning as in libjpeg and jpeg-js
 */
export function createJpegEncoder ({ width, height, quality }: { width: number, height: number, quality: number }): JpegEncoder {
  const lumaTable = scaleQuantisation(lumaQuantisation, quality)
  const chromaTable = scaleQuantisation(chromaQuantisation, quality)
  const header = createHeader(width, height, lumaTable, chromaTable)
  const luma = createChannel(lumaTable, huffmanTables.lumaDc, huffmanTables.lumaAc)
  const chroma = createChannel(chromaTable, huffmanTables.chromaDc, huffmanTables.chromaAc)
  const writer = new BitWriter()
  const blocks = Array.from({ length: 6 }, () => new Float32Array(64)) // four of brightness, blue, red
  return {
    encode (rgba) {
      const pixels = new Uint32Array(rgba.buffer, rgba.byteOffset, width * height)
      const previousDc = [0, 0, 0]
      writer.reset()
      writer.writeBytes(header)
      for (let y = 0; y < height; y += 16) {
        for (let x = 0; x < width; x += 16) {
          loadBlocks(blocks, pixels, x, y, width, height)
          writer.reserve(6 * 64 * 4)
          blocks.forEach((block, i) => {
            const channel = i < 4 ? 0 : i - 3
            previousDc[channel] = writeBlock(writer, block, channel === 0 ? luma : chroma, previousDc[channel]!)
          })
        }
      }
      writer.flush()
      writer.writeBytes(Uint8Array.of(0xff, 0xd9))
      return writer.toBuffer()
    }
  }
}

/** Cuts 16x16 pixels into four blocks of brightness and one of each colour difference; edges repeat the last pixel. */
function loadBlocks (blocks: Float32Array[], pixels: Uint32Array, left: number, top: number, width: number, height: number): void {
  const blueBlock = blocks[4]!
  const redBlock = blocks[5]!
  for (let y = 0; y < 16; y += 2) {
    const upper = Math.min(top + y, height - 1) * width
    const lower = Math.min(top + y + 1, height - 1) * width
    for (let x = 0; x < 16; x += 2) {
      const x0 = Math.min(left + x, width - 1)
      const x1 = Math.min(left + x + 1, width - 1)
      const block = blocks[(y >> 3) * 2 + (x >> 3)]!
      const at = (y & 7) * 8 + (x & 7)
      const a = pixels[upper + x0]!
      const b = pixels[upper + x1]!
      const c = pixels[lower + x0]!
      const d = pixels[lower + x1]!
      block[at] = brightness(a)
      block[at + 1] = brightness(b)
      block[at + 8] = brightness(c)
      block[at + 9] = brightness(d)
      const red = (a & 255) + (b & 255) + (c & 255) + (d & 255)
      const green = (a >> 8 & 255) + (b >> 8 & 255) + (c >> 8 & 255) + (d >> 8 & 255)
      const blue = (a >> 16 & 255) + (b >> 16 & 255) + (c >> 16 & 255) + (d >> 16 & 255)
      const half = (y >> 1) * 8 + (x >> 1)
      blueBlock[half] = (-0.168736 * red - 0.331264 * green + 0.5 * blue) / 4
      redBlock[half] = (0.5 * red - 0.418688 * green - 0.081312 * blue) / 4
    }
  }
}

/** From -128 (black) to 127 (white), as JFIF weighs the colours. */
function brightness (pixel: number): number {
  return 0.299 * (pixel & 255) + 0.587 * (pixel >> 8 & 255) + 0.114 * (pixel >> 16 & 255) - 128
}

const levels = new Int32Array(64)

/** Transforms, quantises and writes one block. Returns its first coefficient, which the next block's is told against. */
function writeBlock (writer: BitWriter, block: Float32Array, { scale, dc, ac }: Channel, previousDc: number): number {
  for (let row = 0; row < 64; row += 8) transform(block, row, 1)
  for (let column = 0; column < 8; column++) transform(block, column, 8)
  let last = 0
  for (let i = 0; i < 64; i++) {
    const index = zigzag[i]!
    const level = (block[index]! * scale[index]! + 16384.5 | 0) - 16384 // rounds
    levels[i] = level
    if (level !== 0) last = i
  }
  writeLevel(writer, dc, 0, levels[0]! - previousDc)
  let zeros = 0
  for (let i = 1; i <= last; i++) {
    const level = levels[i]!
    if (level === 0) {
      zeros++
      continue
    }
    for (; zeros > 15; zeros -= 16) writer.write(ac.codes[0xf0]!, ac.lengths[0xf0]!) // sixteen zeros
    writeLevel(writer, ac, zeros << 4, level)
    zeros = 0
  }
  if (last < 63) writer.write(ac.codes[0]!, ac.lengths[0]!) // nothing but zeros from here
  return levels[0]!
}

/** Writes the zeros before a level and its size in bits as one Huffman code, then the level's bits. */
function writeLevel (writer: BitWriter, { codes, lengths }: HuffmanCodes, zeros: number, level: number): void {
  const size = 32 - Math.clz32(level < 0 ? -level : level)
  writer.write(codes[zeros | size]!, lengths[zeros | size]!)
  writer.write(level < 0 ? level + (1 << size) - 1 : level, size)
}

/**
 * The cosine transform of eight values, `stride` apart, in place and up to a scale that `createChannel` takes out again
 * (Arai, Agui and Nakajima 1988: five multiplications).
 */
function transform (block: Float32Array, start: number, stride: number): void {
  const i1 = start + stride
  const i2 = i1 + stride
  const i3 = i2 + stride
  const i4 = i3 + stride
  const i5 = i4 + stride
  const i6 = i5 + stride
  const i7 = i6 + stride
  const sum07 = block[start]! + block[i7]!
  const sum16 = block[i1]! + block[i6]!
  const sum25 = block[i2]! + block[i5]!
  const sum34 = block[i3]! + block[i4]!
  const low = sum07 + sum34
  const high = sum16 + sum25
  const difference = sum07 - sum34
  const turn = (sum16 - sum25 + difference) * 0.707106781
  const odd4 = block[i3]! - block[i4]! + block[i2]! - block[i5]!
  const odd5 = block[i2]! - block[i5]! + block[i1]! - block[i6]!
  const difference07 = block[start]! - block[i7]!
  const odd6 = block[i1]! - block[i6]! + difference07
  const z5 = (odd4 - odd6) * 0.382683433
  const z2 = 0.5411961 * odd4 + z5
  const z4 = 1.306562965 * odd6 + z5
  const z3 = odd5 * 0.707106781
  block[start] = low + high
  block[i4] = low - high
  block[i2] = difference + turn
  block[i6] = difference - turn
  block[i5] = difference07 - z3 + z2
  block[i3] = difference07 - z3 - z2
  block[i1] = difference07 + z3 + z4
  block[i7] = difference07 + z3 - z4
}

function createChannel (table: Uint8Array, dc: HuffmanTable, ac: HuffmanTable): Channel {
  // cos(k pi / 16) * sqrt(2), but 1 for k = 0: the scale that `transform` leaves in row and column k.
  const left = Float64Array.from({ length: 8 }, (_, k) => k === 0 ? 1 : Math.cos(k * Math.PI / 16) * Math.SQRT2)
  const scale = Float32Array.from(table, (quantum, i) => 1 / (quantum * left[i >> 3]! * left[i & 7]! * 8))
  return { scale, dc: createHuffmanCodes(dc), ac: createHuffmanCodes(ac) }
}

function scaleQuantisation (table: Uint8Array, quality: number): Uint8Array {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality
  return table.map(quantum => Math.min(255, Math.max(1, Math.floor((quantum * percent + 50) / 100))))
}

/** Everything before the picture's bits: JFIF marker, tables, size and the start of the scan. */
function createHeader (width: number, height: number, lumaTable: Uint8Array, chromaTable: Uint8Array): Uint8Array {
  const segment = (marker: number, ...parts: Array<ArrayLike<number>>): number[] => {
    const body = parts.flatMap(part => Array.from(part))
    return [0xff, marker, body.length + 2 >> 8, body.length + 2 & 255, ...body]
  }
  const quanta = (id: number, table: Uint8Array) => segment(0xdb, [id], Array.from(zigzag, index => table[index]!))
  const huffman = (id: number, { counts, symbols }: HuffmanTable) => segment(0xc4, [id], counts, symbols)
  return Uint8Array.from([
    0xff, 0xd8,
    ...segment(0xe0, Buffer.from('JFIF\0'), [1, 1, 0, 0, 1, 0, 1, 0, 0]),
    ...quanta(0, lumaTable),
    ...quanta(1, chromaTable),
    ...segment(0xc0, [8, height >> 8, height & 255, width >> 8, width & 255, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]),
    ...huffman(0x00, huffmanTables.lumaDc),
    ...huffman(0x10, huffmanTables.lumaAc),
    ...huffman(0x01, huffmanTables.chromaDc),
    ...huffman(0x11, huffmanTables.chromaAc),
    ...segment(0xda, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0])
  ])
}
