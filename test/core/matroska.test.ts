import t from 'tap'
import { matroskaFrameHeader, matroskaHeader } from '../../src/core/matroska.js'

t.test('the header says what follows', async t => {
  const header = matroskaHeader(1280, 720)
  t.equal(header.readUInt32BE(0), 0x1A45DFA3)
  t.ok(header.includes('matroska'))
  t.ok(header.includes('V_MJPEG'))
  t.ok(header.includes(Buffer.from([0xB0, 0x01, 0, 0, 0, 0, 0, 0, 2, 0x05, 0x00])), 'width')
  t.ok(header.includes(Buffer.from([0xBA, 0x01, 0, 0, 0, 0, 0, 0, 2, 0x02, 0xD0])), 'height')
})

t.test('each frame has its time and its length', async t => {
  const head = matroskaFrameHeader(61_500, 100_000)
  t.equal(head.readUInt32BE(0), 0x1F43B675)
  t.equal(Number(head.readBigUInt64BE(4) & 0xFFFFFFFFFFFFFFn), head.length - 12 + 100_000)
  t.ok(head.includes(Buffer.from([0xE7, 0x01, 0, 0, 0, 0, 0, 0, 2, 0xF0, 0x3C])), '61.5 s')
})
