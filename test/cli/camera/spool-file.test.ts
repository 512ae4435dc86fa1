import t from 'tap'
import { decodeSpoolFile, encodeSpoolFile, formatSpoolName, parseSpoolName } from '../../../src/cli/camera/spool-file.js'

const shot = {
  jpeg: Buffer.from('\xff\xd8 a picture\nwith lines \xff\xd9', 'latin1'),
  spillDetected: true,
  sequence: 1772366400123,
  headers: { 'X-Oil-Spill-Detected': 'true', 'X-Capture-Timestamp': '2026-03-01T12:00:00.123Z', 'Idempotency-Key': 'k' }
}

t.test('names in their order are frames in theirs', async t => {
  const names = [{ sequence: 9, runId: 3, isClear: false }, { sequence: 10, runId: 3, isClear: true }, { sequence: 1772366400123, runId: 10, isClear: false }]
  const formatted = names.map(formatSpoolName)
  t.strictSame(formatted.toSorted(), formatted)
  t.strictSame(formatted.map(parseSpoolName), names)
  for (const name of ['sequence', 'agent.pid', `${formatted[0]}.tmp`, 'x.frame', `${formatted[0]}.clear`, 'refused']) t.equal(parseSpoolName(name), undefined, name)
})

t.test('a frame comes back as it was, and its picture follows the first line', async t => {
  const bytes = Buffer.concat(encodeSpoolFile(shot))
  t.strictSame(decodeSpoolFile(bytes), shot)
  t.strictSame(bytes.subarray(bytes.indexOf('\n') + 1), shot.jpeg)
  const clear = { ...shot, spillDetected: false, headers: { 'X-Oil-Spill-Detected': 'false' } }
  t.strictSame(decodeSpoolFile(Buffer.concat(encodeSpoolFile(clear))), clear)
})

t.test('what is not as it was written is told', async t => {
  const bytes = Buffer.concat(encodeSpoolFile(shot))
  const altered = Buffer.from(bytes)
  altered[altered.length - 5]! ^= 1
  const damaged: Array<[bytes: Buffer, message: RegExp]> = [
    [Buffer.alloc(0), /no end/],
    [Buffer.alloc(5000), /no end/],
    [bytes.subarray(0, 20), /no end/],
    [bytes.subarray(0, -1), /not the one/],
    [altered, /not the one/],
    [Buffer.from('not json\n'), /not JSON/],
    [Buffer.from('[1]\n'), /version/],
    [Buffer.from('{"version":2}\n'), /version 2/],
    [Buffer.from('{"version":1,"sequence":1}\n'), /lacks/],
    [Buffer.from('{"version":1,"sequence":1,"headers":{"X":"a\\nb"}}\n'), /lacks/],
    [Buffer.from('{"version":1,"sequence":1,"headers":{"X y":"a"}}\n'), /lacks/],
    [Buffer.from('{"version":1,"sequence":1,"headers":{"X":1}}\n'), /lacks/]
  ]
  for (const [bytes, message] of damaged) t.throws(() => decodeSpoolFile(bytes), { message })
})
