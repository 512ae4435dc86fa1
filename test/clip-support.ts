import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { jpeg, upload, until } from './helper.js'

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** What a camera says of a frame that it took this long after the others' beginning. */
export interface Shot { readonly atMs: number, readonly spill?: boolean, readonly confidence?: number, readonly jpeg?: Buffer }

/** A picture that no other shot has. */
export function pictureOf (nth: number, size: { width: number, height: number } = { width: 160, height: 120 }): Buffer {
  return jpeg({ ...size, color: [(nth * 37) % 256, (nth * 91 + 40) % 256, (nth * 53 + 90) % 256] })
}

/** Sends shots as a camera does that keeps its own time, one behind the other. They were all taken in the last minutes. Returns when the first was taken. */
export async function sendShots (url: string, shots: readonly Shot[], startMs = Date.now() - 60_000): Promise<number> {
  for (const [nth, { atMs, spill = false, confidence, jpeg: bytes = pictureOf(nth) }] of shots.entries()) {
    const response = await upload(url, {
      jpeg: bytes,
      spill,
      headers: {
        'X-Capture-Timestamp': String((startMs + atMs) / 1000),
        ...(confidence !== undefined && { 'X-Detection-Confidence': String(confidence) })
      }
    })
    if (!response.ok) throw new Error(await response.text())
  }
  return startMs
}

export interface IndexedFrame { clip_id: number, number: number, path: string, offset_bytes: number, size_bytes: number, sha256: string, taken_at: string, role: string, confidence: number | null, frame_url: string }

/** The index of the clip of an event. */
export async function framesOf (url: string, id = 1): Promise<IndexedFrame[]> {
  return await (await fetch(`${url}/api/oil_spill_events/${id}/frames`)).json() as IndexedFrame[]
}

/** Waits until the index of an event has so many frames. */
export async function indexed (url: string, count: number, id = 1): Promise<IndexedFrame[]> {
  await until(async () => (await framesOf(url, id)).length >= count, `frame ${count} of the index`)
  return await framesOf(url, id)
}

/** Waits until all clips of an event are closed. */
export async function closed (app: FastifyInstance, id = 1): Promise<void> {
  const isClosed = async (): Promise<boolean> => {
    const clips = await app.clipRepository.ofEvent(id)
    return clips.length > 0 && clips.every(({ sha256 }) => sha256 !== null)
  }
  await until(isClosed, 'the end of the clip')
}

/** Waits for the thumbnail of an event. */
export async function thumbnailMade (dataFolder: string, name: string): Promise<void> {
  await until(() => existsSync(join(dataFolder, 'thumbnails', name)), 'the thumbnail')
}
