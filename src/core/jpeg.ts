/** What a whole JPEG says of itself, in pixels. */
export interface JpegSize { readonly width: number, readonly height: number }

/** Why bytes are not a whole JPEG, as the end of a sentence. */
export interface JpegProblem { readonly problem: string }

const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const EOI_BYTES = Buffer.from([0xff, EOI])

/**
 * Tells whether bytes are a whole JPEG, by walking its markers: start of image, a frame header with a size, a scan,
 * and an end of image behind it. Costs microseconds: no pixel is decoded, so damage inside the scan is not seen.
 * Bytes after the end of image are tolerated, since some cameras pad.
 *
 * Source: ITU-T T.81 | ISO/IEC 10918-1, annex B.
 */
export function inspectJpeg (bytes: Buffer): JpegSize | JpegProblem {
  if (bytes.length === 0) return { problem: 'it is empty' }
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return { problem: 'it does not begin with a JPEG start-of-image marker (FF D8)' }

  let size: JpegSize | undefined
  let at = 2
  while (at < bytes.length) {
    if (bytes[at] !== 0xff) return { problem: `byte ${at} should begin a marker and does not` }
    while (bytes[at + 1] === 0xff) at += 1 // Any marker may be preceded by fill bytes (B.1.1.2).
    const marker = bytes[at + 1]
    at += 2
    if (marker === undefined) break
    if (marker === EOI) return { problem: 'the image ends before any scan' }
    if (isStandalone(marker)) continue
    if (at + 2 > bytes.length) break
    const length = bytes.readUInt16BE(at)
    if (length < 2) return { problem: `the segment at byte ${at - 2} has an impossible length` }
    if (at + length > bytes.length) break
    if (marker === SOS) return endOfScan(bytes, at + length, size)
    if (isFrameHeader(marker)) {
      if (length < 8) return { problem: 'its frame header is too short' }
      size = { height: bytes.readUInt16BE(at + 3), width: bytes.readUInt16BE(at + 5) }
      if (size.width === 0 || size.height === 0) return { problem: `its frame header gives a size of ${size.width}x${size.height}` }
    }
    at += length
  }
  return { problem: 'it breaks off before the scan' }
}

/**
 * In entropy-coded data FF is always followed by 00 or a restart marker (F.1.2.3), so FF D9 behind the start of the
 * scan is the end of the image. Searched from the end, where it nearly always is.
 */
function endOfScan (bytes: Buffer, scanAt: number, size: JpegSize | undefined): JpegSize | JpegProblem {
  if (size === undefined) return { problem: 'it has no frame header before the scan' }
  if (bytes.lastIndexOf(EOI_BYTES) < scanAt) return { problem: 'it breaks off before the end-of-image marker (FF D9)' }
  return size
}

/** SOF0 to SOF15; DHT, JPG and DAC share their range (table B.1). */
function isFrameHeader (marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

/** TEM, RST0 to RST7 and SOI have no segment behind them. */
function isStandalone (marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= SOI)
}
