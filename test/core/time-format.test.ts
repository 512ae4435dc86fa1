import t from 'tap'
import { formatDatetime, formatEpochSeconds, formatTimestamp } from '../../src/core/time-format.js'

const JUNE_2023 = Date.UTC(2023, 5, 23, 14, 30, 22, 7)

t.test('the seed\'s timestamp is UTC to the second', async t => {
  t.equal(formatTimestamp(JUNE_2023), '20230623_143022')
  t.equal(formatTimestamp(JUNE_2023 + 992), '20230623_143022', 'cut off, not rounded')
  t.equal(formatTimestamp(Date.UTC(2024, 1, 29, 0, 0, 0)), '20240229_000000')
})

t.test('the seed\'s datetime has six decimals and no zone', async t => {
  t.equal(formatDatetime(JUNE_2023), '2023-06-23T14:30:22.007000')
  t.equal(formatDatetime(Date.UTC(1999, 11, 31, 23, 59, 59, 999)), '1999-12-31T23:59:59.999000')
})

t.test('seconds since 1970 have six decimals, exact to the millisecond', async t => {
  t.equal(formatEpochSeconds(JUNE_2023), '1687530622.007000')
  t.equal(formatEpochSeconds(0), '0.000000')
  t.equal(formatEpochSeconds(1), '0.001000')
  t.equal(formatEpochSeconds(999), '0.999000')
  t.equal(formatEpochSeconds(1000), '1.000000')
})

t.test('the machine\'s time zone does not matter', async t => {
  const before = process.env['TZ']
  t.teardown(() => { if (before === undefined) delete process.env['TZ']; else process.env['TZ'] = before })
  process.env['TZ'] = 'Asia/Kolkata'
  t.equal(new Date(JUNE_2023).getHours(), 20, 'the zone took effect')
  t.equal(formatTimestamp(JUNE_2023), '20230623_143022')
  t.equal(formatDatetime(JUNE_2023), '2023-06-23T14:30:22.007000')
})
