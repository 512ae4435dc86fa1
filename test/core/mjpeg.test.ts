import t from 'tap'
import { CLOSING, dialectOf, encodePart, OPENINGS, STREAM_CONTENT_TYPE } from '../../src/core/mjpeg.js'
import { FakeClock, frame, jpeg } from '../helper.js'

const bytes = jpeg()
const taken = frame(new FakeClock(), { jpeg: bytes })
const part = encodePart(taken)
const HEAD = `Content-Type: image/jpeg\r\nContent-Length: ${bytes.length}\r\nX-Timestamp: 1687530622.123000\r\n\r\n`

t.test('the content type names the boundary of the seed', async t => {
  t.equal(STREAM_CONTENT_TYPE, 'multipart/x-mixed-replace; boundary=frame')
})

t.test('a standard stream, byte for byte', async t => {
  t.equal(OPENINGS.standard.toString('latin1'), '--frame\r\n')
  t.strictSame(part.standard, Buffer.concat([Buffer.from(HEAD), bytes, Buffer.from('\r\n--frame\r\n')]),
    'headers, the camera\'s bytes, and the boundary line at once behind them')
  t.equal(CLOSING.toString('latin1'), '\r\n--frame--\r\n')
})

t.test('a stream for Chromium, byte for byte: the next part\'s headers are complete behind each picture', async t => {
  t.equal(OPENINGS.chromium.toString('latin1'), '--frame\r\nContent-Type: image/jpeg\r\n\r\n')
  t.strictSame(part.chromium, Buffer.concat([bytes, Buffer.from('\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n')]))
})

t.test('both dialects share the frame\'s own memory: the picture is not copied', async t => {
  t.equal(part.standard.buffer, taken.memory.jpeg.buffer)
  t.equal(part.chromium.buffer, taken.memory.jpeg.buffer)
})

t.test('everything built on Chromium gets its dialect, all others the standard', async t => {
  for (const agent of [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36',
    'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0'
  ]) t.equal(dialectOf(agent), 'chromium', agent)
  for (const agent of [
    undefined, '', 'curl/8.5.0', 'Lavf/60.16.100', 'Chromecast',
    'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
    'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15'
  ]) t.equal(dialectOf(agent), 'standard', String(agent))
})
