import { createHash } from 'node:crypto'
import { open, readFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { canonicalJson } from '../core/canonical-json.js'
import { checkpointDocument, type SignedHead } from '../core/checkpoint.js'
import type { LedgerEntry } from '../core/ledger.js'
import { EVIDENCE_FOLDER } from '../core/event.js'
import type { BundleFile, BundlePlan, LedgerPage, LedgerPosition, PlainRow } from './bundle-queries.js'
import { BUNDLE_README } from './bundle-readme.js'
import type { SqlThread } from './sql-thread.js'
import { errorCode } from './storage-errors.js'

const PAGE_ROWS = 500
/** Not all of them are the event's: so many are looked through in one go. */
const DETECTION_WINDOW = 5000
/** Small enough that hashing one holds nobody up. */
const CHUNK_BYTES = 64 * 1024

/** A file of evidence as the bundle has it. */
type Packed = Omit<BundleFile, 'state'> & { readonly state: BundleFile['state'] | 'included', readonly problem?: string }

/** An event for a third party. */
export interface Bundle {
  /** The event; another one than asked for where that was merged. */
  readonly eventId: number
  /** A ZIP. Destroying it ends all reading. */
  readonly zip: Readable
}

/**
 * Packs an event for a third party: its evidence, all that is known of it, the excerpt of the ledger that proves it, and
 * the program that checks that. Read and written piece by piece; what cannot be had is named in it.
 */
export class Bundles {
  readonly #sql: SqlThread
  readonly #folder: string

  /** @param folder the data folder */
  constructor (sql: SqlThread, folder: string) {
    this.#sql = sql
    this.#folder = folder
  }

  /**
   * Notes the export in the ledger, and begins to pack. Undefined where there is no such event.
   * @param actor who gets it, as the ledger names them
   * @param nowMs when: milliseconds since 1970
   * @throws HistoryUnavailable
   */
  async pack (eventId: number, actor: string, nowMs: number): Promise<Bundle | undefined> {
    const found = await this.#sql.ask('planOfBundle', eventId)
    if (found === undefined) return undefined
    const id = Number(found.event['id'])
    const entry: LedgerEntry = { actor, action: 'export', subject: `event:${id}`, payload: { what: 'bundle' } }
    await this.#sql.ask('appendToLedger', entry)
    const plan = await this.#sql.ask('planOfBundle', id) ?? found
    const verifier = await readFile(new URL('../bundle-verifier.js', import.meta.url), 'utf8')
    const packing = new Packing(this.#sql, this.#folder, plan, new Date(nowMs))
    void packing.run(verifier.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
    return { eventId: id, zip: packing.zip }
  }
}

/** One bundle that is being written. */
class Packing {
  readonly zip = new PassThrough()
  readonly #file = new ZipFile()
  readonly #sql: SqlThread
  readonly #folder: string
  readonly #plan: BundlePlan
  readonly #madeAt: Date
  readonly #top: string
  readonly #proofs: SignedHead[] = []
  #source: Readable | undefined

  constructor (sql: SqlThread, folder: string, plan: BundlePlan, madeAt: Date) {
    this.#sql = sql
    this.#folder = folder
    this.#plan = plan
    this.#madeAt = madeAt
    this.#top = `oil_spill_event_${plan.event['id']}`
    this.#file.outputStream.pipe(this.zip)
    this.zip.once('close', () => { this.#source?.destroy() })
    this.#file.on('error', (error: Error) => { this.zip.destroy(error) })
  }

  /** Writes everything, one thing after the other. Never rejects: a failure ends the ZIP before its end, which no program takes for a whole one. */
  async run (verifier: string): Promise<void> {
    try {
      await this.#add('README.txt', [BUNDLE_README])
      await this.#add('verify.mjs', [verifier])
      await this.#add('ledger.ndjson', this.#ledger())
      await this.#add('checkpoint.json', [`${JSON.stringify(this.#proofDocument(), undefined, 2)}\n`])
      await this.#add('detections.ndjson', this.#detections())
      await this.#add('clip_frames.ndjson', this.#frames())
      const files: Packed[] = []
      for (const file of this.#plan.files) files.push(await this.#pack(file))
      await this.#add('index.json', [`${JSON.stringify(this.#index(files), undefined, 2)}\n`])
      this.#file.end()
    } catch (error) {
      this.zip.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Evidence is stored as it is: JPEGs do not get smaller. */
  async #add (name: string, pieces: Iterable<string> | AsyncIterable<string | Buffer>, compress = true): Promise<void> {
    if (this.zip.destroyed) throw new Error('nobody takes the bundle any more')
    const source = Readable.from(pieces, { objectMode: false })
    this.#source = source
    this.#file.addReadStream(source, `${this.#top}/${name}`, { compress, mtime: this.#madeAt, mode: 0o100644 })
    await finished(source)
  }

  async * #ledger (): AsyncGenerator<string> {
    const { subjects, head } = this.#plan
    for (let position: LedgerPosition | undefined = { after: 0, proof: undefined }; position !== undefined;) {
      const { rows, next }: LedgerPage = await this.#sql.call('ledgerOfBundle', subjects, position, head, PAGE_ROWS)
      if (next?.proof !== undefined && next.proof.sequence !== position.proof?.sequence) this.#proofs.push(next.proof)
      position = next
      if (rows.length > 0) yield rows.map(row => `${JSON.stringify(row)}\n`).join('')
    }
  }

  async * #detections (): AsyncGenerator<string> {
    const { event, detections: { first, last } } = this.#plan
    for (let from = first; from <= last && from > 0; from += DETECTION_WINDOW) {
      const rows = await this.#sql.call('detectionsOfBundle', Number(event['id']), from, Math.min(from + DETECTION_WINDOW - 1, last))
      if (rows.length > 0) yield linesOf(rows)
    }
  }

  async * #frames (): AsyncGenerator<string> {
    for (const { clip_id: clipId, size_bytes: sizeBytes } of this.#plan.clips) {
      for (let after: number | undefined = 0; after !== undefined;) {
        const rows: PlainRow[] = await this.#sql.call('framesOfBundle', Number(clipId), after, PAGE_ROWS)
        after = rows.length < PAGE_ROWS ? undefined : Number(rows.at(-1)?.['number'])
        // A clip may have grown since the plan was made, which the entries that are shown do not tell.
        const known = rows.filter(row => Number(row['offset_bytes']) < Number(sizeBytes))
        if (known.length > 0) yield linesOf(known)
      }
    }
  }

  /** Packs a file, if it is there. */
  async #pack (file: BundleFile): Promise<Packed> {
    if (file.state !== 'kept') return file
    const name = file.path.slice(EVIDENCE_FOLDER.length + 1)
    if (file.path !== `${EVIDENCE_FOLDER}/${name}` || !/^[\w.-]+$/.test(name)) return { ...file, state: 'missing', problem: 'its path is none of evidence' }
    let handle: FileHandle | undefined
    try {
      handle = await open(join(this.#folder, file.path), 'r')
      const reading = new Reading(handle, file.sha256 === null ? file.size_bytes : Number.MAX_SAFE_INTEGER)
      await this.#add(file.path, reading.chunks(), false)
      const problem = reading.problem ?? (file.sha256 === null || reading.sha256 === file.sha256 ? undefined : 'its SHA-256 is not the recorded one')
      return { ...file, state: 'included', ...(problem !== undefined && { problem }) }
    } catch (error) {
      if (this.zip.destroyed || handle !== undefined) throw error
      return { ...file, state: 'missing', problem: `it could not be read (${errorCode(error)})` }
    } finally {
      await handle?.close()
    }
  }

  #proofDocument () {
    const { keys } = this.#plan
    return {
      public_keys: keys.map(({ keyId, publicKey }) => ({ key_id: keyId, public_key: publicKey })),
      checkpoints: this.#proofs.map(head => checkpointDocument(head, keys.find(({ keyId }) => keyId === head.keyId)?.publicKey ?? ''))
    }
  }

  #index (files: readonly Packed[]) {
    const { event, parts, camera, clips, reviews, head } = this.#plan
    return { format: 'videostream bundle 1', made_at: this.#madeAt.toISOString(), last_sequence: head.sequence, event, merged_events: parts, camera, clips, reviews, files }
  }
}

/** Reads a file, and what can be read of one that cannot be read to its end. */
class Reading {
  readonly #file: FileHandle
  readonly #maxBytes: number
  readonly #hash = createHash('sha256')
  problem: string | undefined
  sha256 = ''

  constructor (file: FileHandle, maxBytes: number) {
    this.#file = file
    this.#maxBytes = maxBytes
  }

  async * chunks (): AsyncGenerator<Buffer> {
    let done = 0
    try {
      while (done < this.#maxBytes) {
        const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(Math.min(CHUNK_BYTES, this.#maxBytes - done)), 0, undefined, done)
        if (bytesRead === 0) break
        done += bytesRead
        const chunk = buffer.subarray(0, bytesRead)
        this.#hash.update(chunk)
        yield chunk
      }
    } catch (error) {
      this.problem = `it could not be read behind byte ${done} (${errorCode(error)})`
    }
    this.sha256 = this.#hash.digest('hex')
  }
}

function linesOf (rows: readonly PlainRow[]): string {
  return rows.map(row => `${canonicalJson(row)}\n`).join('')
}
