import { parseDecimal } from './decimal.js'

/** RFC 3339, section 5.6; a space may stand for the T. */
const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

/** Seconds since 1970 do not reach this for some thousand years; milliseconds passed it in 1973. */
const LEAST_MILLISECONDS = 1e11

/**
 * Reads the time at which a camera took a frame: RFC 3339 such as `2026-03-01T12:00:00.123Z`, or seconds since 1970 such
 * as `1772366400.123`. What is finer than a millisecond is cut off. Undefined for anything else, also for milliseconds
 * since 1970 and for days that do not exist: a time that is guessed puts a spill where it does not belong.
 * @returns milliseconds since 1970, UTC
 */
export function parseCaptureTime (text: string): number | undefined {
  const seconds = parseDecimal(text)
  if (seconds !== undefined) return seconds >= 0 && seconds < LEAST_MILLISECONDS ? Math.floor(seconds * 1000 + 1e-3) : undefined
  const match = RFC_3339.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match
  // A leap second is the last millisecond of its minute here, as POSIX time has no place for it.
  const isLeapSecond = second === '60'
  const milliseconds = isLeapSecond ? 999 : Number(fraction.slice(0, 3).padEnd(3, '0'))
  const local = `${year}-${month}-${day}T${hour}:${minute}:${isLeapSecond ? '59' : second}.${String(milliseconds).padStart(3, '0')}Z`
  const localMs = Date.parse(local)
  // Date.parse takes a 30th of February for a day in March.
  if (Number.isNaN(localMs) || new Date(localMs).toISOString() !== local) return undefined
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined
  const offsetMs = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000
  return sign === '-' ? localMs + offsetMs : localMs - offsetMs
}
