/**
 * The mark that every frame of the benchmark carries: a JPEG comment (COM, ITU-T T.81 B.2.4.5) right behind the
 * start-of-image marker, with the moment its upload began and its number. Servers pass it on unread; viewers take their
 * latency and the frames they missed from it. Its width is fixed, so that the length of the upload is known before the time.
 *
 * The clock is CLOCK_MONOTONIC, which on Linux is one and the same in every process.
 */

/** Bytes that a stamp adds to a JPEG. */
export const STAMP_BYTES = 41

/** Bytes from the start of a stamped JPEG that hold the whole stamp. */
export const STAMPED_HEAD_BYTES = 2 + STAMP_BYTES

/** What a frame says of itself. */
export interface Stamp { readonly sentAtNs: number, readonly sequence: number }

const TIME_AT = 8
const TIME_DIGITS = 19
const SEQUENCE_AT = TIME_AT + TIME_DIGITS + 3
const SEQUENCE_DIGITS = 13

/** Start of image and stamp: the first bytes of a stamped JPEG, before everything behind its own start of image. */
export function stampedHead (sentAtNs: bigint, sequence: number): Buffer {
  const text = `T=${String(sentAtNs).padStart(TIME_DIGITS, '0')};S=${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`
  return Buffer.from(`\xff\xd8\xff\xfe\x00${String.fromCharCode(STAMP_BYTES - 2)}${text}`, 'latin1')
}

/** Reads the stamp from the first bytes of a JPEG. Undefined where there is none. */
export function readStamp (head: Uint8Array): Stamp | undefined {
  if (head[2] !== 0xff || head[3] !== 0xfe || head[6] !== 0x54 || head[7] !== 0x3d) return undefined
  const sentAtNs = digits(head, TIME_AT, TIME_DIGITS)
  const sequence = digits(head, SEQUENCE_AT, SEQUENCE_DIGITS)
  return Number.isNaN(sentAtNs + sequence) ? undefined : { sentAtNs, sequence }
}

/** CLOCK_MONOTONIC in nanoseconds, as a number: exact for the first hundred days after the machine's start. */
export function monotonicNs (): number {
  return Number(process.hrtime.bigint())
}

function digits (bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = at; i < at + count; i++) {
    const digit = (bytes[i] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return NaN
    value = value * 10 + digit
  }
  return value
}
