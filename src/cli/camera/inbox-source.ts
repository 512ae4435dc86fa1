import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CameraError } from './camera-error.js'
import { parseDetection, type Detection } from './detection.js'
import type { FrameSource } from './frame.js'
import { messageOf } from './message-of.js'
import { pause } from './pause.js'
import type { Log, Report } from './report.js'

/** Where another program drops pictures. */
export interface InboxSettings {
  folder: string
  /** How often a second to look. */
  fps: number
  log: Log
  report: Pick<Report, 'detectorFailed' | 'detectorWorked'>
}

/** A program that writes a picture in place, rather than renaming it, has this long between two of its writes. */
const unfinishedMs = 10_000

/**
 * A source of frames that another program drops into a folder as .jpg files, and takes out of it: a file is deleted
 * once its frame is on disk in the spool, or needs no keeping. Its time is that of its last change. A `.json` of the
 * same name that is there before the .jpg says what a detector found, as `parseDetection` reads it.
 */
export function createInboxSource ({ folder, fps, log, report }: InboxSettings): FrameSource {
  return async (put, signal) => {
    const handedOn = new Set<string>()
    while (!signal.aborted) {
      for (const { name, changedMs } of await listPictures(folder, handedOn)) {
        if (signal.aborted) return
        const path = join(folder, name)
        const jpeg = await readFile(path).catch(() => Buffer.alloc(0))
        if (!isWhole(jpeg)) {
          if (Date.now() - changedMs > unfinishedMs) {
            log(`${path} is no whole JPEG and was left out`)
            handedOn.add(name)
          }
          continue
        }
        handedOn.add(name)
        const detection = await readDetection(folder, name, report)
        const taken = new Promise<void>(resolve => {
          const done = (): void => {
            void remove(folder, name).then(isGone => { if (isGone) handedOn.delete(name) })
            resolve()
          }
          // After a kill between the spool and the deletion it comes again.
          const idempotencyKey = createHash('sha256').update(`${name}\n${changedMs}\n`).update(jpeg).digest('hex')
          put({ jpeg, capturedAtMs: Math.min(Math.round(changedMs), Date.now()), idempotencyKey, done, ...detection })
        })
        // A heap of them is not read faster than the spool takes it.
        if (detection.spillDetected === true) await taken
      }
      await pause(1000 / fps, signal)
    }
  }
}

/** Oldest first. */
async function listPictures (folder: string, handedOn: ReadonlySet<string>): Promise<Array<{ name: string, changedMs: number }>> {
  const names = await readdir(folder).catch((error: unknown) => { throw new CameraError(`--inbox: ${messageOf(error)}`) })
  const pictures = names.filter(name => /^[^.].*\.jpe?g$/i.test(name) && !handedOn.has(name)).map(async name => {
    const found = await stat(join(folder, name)).catch(() => undefined)
    return found?.isFile() === true ? [{ name, changedMs: found.mtimeMs }] : []
  })
  return (await Promise.all(pictures)).flat().sort((a, b) => a.changedMs - b.changedMs || (a.name < b.name ? -1 : 1))
}

/** Begins and ends as a JPEG does. Some cameras pad the end with zeros. */
function isWhole (jpeg: Buffer): boolean {
  return jpeg.length > 4 && jpeg.readUInt16BE(0) === 0xffd8 && jpeg.subarray(-64).includes(Buffer.from([0xff, 0xd9]))
}

async function readDetection (
  folder: string, name: string, report: InboxSettings['report']
): Promise<{ spillDetected: boolean | undefined, details: Detection['details'] }> {
  try {
    const text = await readFile(join(folder, sidecarOf(name)), 'utf8').catch(() => undefined)
    if (text === undefined) return { spillDetected: false, details: {} }
    const { spillDetected, details, complaints } = parseDetection(text)
    report.detectorWorked(complaints)
    return { spillDetected, details }
  } catch (error) {
    report.detectorFailed(messageOf(error))
    return { spillDetected: undefined, details: {} }
  }
}

/**
 * What is said of the picture goes first: left behind by a kill it would be taken for what is said of a later one of the
 * same name. Returns whether both are gone.
 */
async function remove (folder: string, name: string): Promise<boolean> {
  try {
    await rm(join(folder, sidecarOf(name)), { force: true })
    await rm(join(folder, name), { force: true })
    return true
  } catch {
    return false
  }
}

function sidecarOf (name: string): string {
  return name.replace(/\.[^.]*$/, '.json')
}
