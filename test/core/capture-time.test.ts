import t from 'tap'
import { parseCaptureTime } from '../../src/core/capture-time.js'

t.test('RFC 3339', async t => {
  const table: Array<[text: string, iso: string]> = [
    ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00:00.123Z', '2026-03-01T12:00:00.123Z'],
    ['2026-03-01t12:00:00.123z', '2026-03-01T12:00:00.123Z'],
    ['2026-03-01 12:00:00.123Z', '2026-03-01T12:00:00.123Z'],
    ['2026-03-01T12:00:00.5Z', '2026-03-01T12:00:00.500Z'],
    ['2026-03-01T12:00:00.05Z', '2026-03-01T12:00:00.050Z'],
    ['2026-03-01T12:00:00+00:00', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00:00-00:00', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00:00+05:30', '2026-03-01T06:30:00.000Z'],
    ['2026-03-01T12:00:00-09:30', '2026-03-01T21:30:00.000Z'],
    ['2026-03-01T00:30:00+01:00', '2026-02-28T23:30:00.000Z'],
    ['2025-12-31T23:30:00.999-01:00', '2026-01-01T00:30:00.999Z'],
    ['2026-03-01T12:00:00+23:59', '2026-02-28T12:01:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z']
  ]
  for (const [text, iso] of table) t.equal(parseCaptureTime(text), Date.parse(iso), text)
})

t.test('what is finer than a millisecond is cut off, not rounded into the next second', async t => {
  t.equal(parseCaptureTime('2026-03-01T12:00:00.123999999Z'), Date.UTC(2026, 2, 1, 12, 0, 0, 123))
  t.equal(parseCaptureTime(`2026-03-01T12:00:00.${'9'.repeat(100)}Z`), Date.UTC(2026, 2, 1, 12, 0, 0, 999))
  t.equal(parseCaptureTime('1772366400.9999'), 1_772_366_400_999)
})

t.test('a leap second is the last millisecond of its minute', async t => {
  t.equal(parseCaptureTime('2016-12-31T23:59:60Z'), Date.UTC(2016, 11, 31, 23, 59, 59, 999))
  t.equal(parseCaptureTime('2016-12-31T23:59:60.5Z'), Date.UTC(2016, 11, 31, 23, 59, 59, 999))
  t.equal(parseCaptureTime('2016-12-31T15:59:60-08:00'), Date.UTC(2016, 11, 31, 23, 59, 59, 999))
  t.equal(parseCaptureTime('2016-12-31T23:59:61Z'), undefined)
})

t.test('days and hours that there are not', async t => {
  for (const text of [
    '2026-02-29T00:00:00Z', '2026-02-30T00:00:00Z', '2024-02-30T00:00:00Z', '2100-02-29T00:00:00Z', '2026-04-31T00:00:00Z', '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z', '2026-03-00T00:00:00Z', '2026-03-32T00:00:00Z', '2026-03-01T24:00:00Z', '2026-03-01T25:00:00Z', '2026-03-01T12:60:00Z',
    '2026-03-01T12:00:99Z', '2026-03-01T12:00:00+24:00', '2026-03-01T12:00:00+01:60', '2026-02-30T23:59:60Z'
  ]) t.equal(parseCaptureTime(text), undefined, text)
})

t.test('what is not RFC 3339 is not guessed at', async t => {
  for (const text of [
    '2026-03-01T12:00:00', '2026-03-01', '12:00:00Z', '2026-03-01T12:00Z', '2026-03-01T12:00:00.Z', '2026-03-01T12:00:00,5Z', '2026-3-1T12:00:00Z',
    '26-03-01T12:00:00Z', '+002026-03-01T12:00:00Z', '20260301T120000Z', '2026-03-01T12:00:00+0100', '2026-03-01T12:00:00+01', '2026-03-01T12:00:00 Z',
    '2026-03-01T12:00:00 +01:00', '2026-03-01T12:00:00UTC', '2026-060T12:00:00Z', '2026-03-01_12:00:00Z', '2026-03-01  12:00:00Z',
    'Sun, 01 Mar 2026 12:00:00 GMT', '01/03/2026', 'now', '', ' ', 'null', 'undefined', '2026-03-01T12:00:00Z, 2026-03-01T12:00:01Z',
    '2026-03-01T12:00:00Z\n', '٢٠٢٦-03-01T12:00:00Z'
  ]) t.equal(parseCaptureTime(text), undefined, JSON.stringify(text))
})

t.test('seconds since 1970, to the millisecond', async t => {
  const table: Array<[text: string, ms: number]> = [
    ['0', 0], ['0.001', 1], ['1772366400', 1_772_366_400_000], ['1772366400.123', 1_772_366_400_123], ['1772366400.5', 1_772_366_400_500],
    ['1772366400.123456', 1_772_366_400_123], ['0001772366400', 1_772_366_400_000], ['99999999999', 99_999_999_999_000]
  ]
  for (const [text, ms] of table) t.equal(parseCaptureTime(text), ms, text)
  // Most decimal fractions are none of a binary number, which lies a little below or above.
  for (const second of [1, 4, 1_687_530_622, 1_772_366_400]) {
    const wrong = Array.from({ length: 1000 }, (_, ms) => ms).filter(ms => parseCaptureTime(`${second}.${String(ms).padStart(3, '0')}`) !== second * 1000 + ms)
    t.strictSame(wrong, [], `each millisecond of the second ${second}`)
  }
})

t.test('milliseconds, microseconds and other numbers are not taken for seconds', async t => {
  for (const text of [
    '1772366400123', '1772366400123456', '100000000000', '-1', '-1772366400', '1.7723664e9', '1e9', '0x69A42F80', '1,772,366,400', '1772366400,5',
    '1772366400.', '.5', '+1772366400', 'NaN', 'Infinity', '1772366400s', '1772366400 5', '9'.repeat(400)
  ]) t.equal(parseCaptureTime(text), undefined, text)
})
