/**
 * A Matroska stream of JPEGs with the times at which they were taken: the way to hand them to ffmpeg with its own pace,
 * through a pipe. Written as far as that takes and no further.
 *
 * Source: RFC 8794 (EBML) and RFC 9559 (Matroska).
 */

/** What stands before the frames: one video track of JPEGs, times in milliseconds. */
export function matroskaHeader (width: number, height: number): Buffer {
  return Buffer.concat([
    element(0x1A45DFA3, element(0x4282, text('matroska')), element(0x4287, uint(4)), element(0x4285, uint(2))), // EBML: DocType, its version, and who can read it
    id(0x18538067), Buffer.from([0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), // Segment of unknown size
    element(0x1549A966, element(0x2AD7B1, uint(1_000_000)), element(0x4D80, text('videostream')), element(0x5741, text('videostream'))), // Info: nanoseconds a unit
    element(0x1654AE6B, element(0xAE, // Tracks, TrackEntry
      element(0xD7, uint(1)), element(0x73C5, uint(1)), element(0x83, uint(1)), element(0x86, text('V_MJPEG')),
      element(0xE0, element(0xB0, uint(width)), element(0xBA, uint(height)))))
  ])
}

/** What stands before the JPEG of a frame. @param atMs since the first frame; it must grow from frame to frame */
export function matroskaFrameHeader (atMs: number, jpegBytes: number): Buffer {
  const blockHead = Buffer.from([0x81, 0, 0, 0x80]) // track 1, at the time of the cluster, a key frame
  const time = element(0xE7, uint(atMs))
  const block = Buffer.concat([id(0xA3), size(blockHead.length + jpegBytes), blockHead])
  return Buffer.concat([id(0x1F43B675), size(time.length + block.length + jpegBytes), time, block]) // Cluster
}

function element (identifier: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([id(identifier), size(content.length), content])
}

/** An identifier brings its length with it. */
function id (identifier: number): Buffer {
  return uint(identifier)
}

/** A size in eight bytes. */
function size (bytes: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(BigInt(bytes) | (1n << 56n))
  return buffer
}

function text (value: string): Buffer {
  return Buffer.from(value, 'latin1')
}

function uint (value: number): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}
