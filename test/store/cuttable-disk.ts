import fs from 'node:fs/promises'
import { dirname } from 'node:path'
import type { EvidenceFiles } from '../../src/store/evidence-store.js'
import type { Random } from '../random.js'

/** What happened to the disk, in its order. A file is known by a number, since its name may change. */
type Step =
  | { readonly kind: 'created' | 'removed', readonly path: string, readonly file: number }
  | { readonly kind: 'renamed', readonly path: string, readonly to: string, readonly file: number }
  | { readonly kind: 'written', readonly file: number, readonly bytes: Buffer }
  | { readonly kind: 'flushed', readonly file: number }
  | { readonly kind: 'folder flushed', readonly path: string }

/** What it forgets to do while it says that it did, to find out whether a test would see it. */
export type Lie = 'flush' | 'folder flush' | 'none'

/**
 * A file system that can tell what may be left of it after a power cut at any step: what was flushed is there; of what
 * was not, any part. It stands before a real folder, so that whoever uses it sees all of it meanwhile. Changes of a
 * folder become lasting in their order, as on file systems with a journal; bytes in none, and a file may be as long as
 * it was written and hold nothing.
 */
export class CuttableDisk {
  readonly #steps: Step[] = []
  readonly #files = new Map<string, number>()
  #count = 0
  readonly #lie: Lie

  constructor (lie: Lie = 'none') {
    this.#lie = lie
  }

  /** How many steps there were so far. */
  get steps (): number {
    return this.#steps.length
  }

  readonly files: EvidenceFiles = {
    ...fs,
    open: (async (path: string, flags: string, mode?: number) => await this.#open(path, flags, mode)) as unknown as typeof fs.open,
    rename: async (from, to) => {
      await fs.rename(from, to)
      const file = this.#files.get(String(from)) ?? 0
      this.#files.delete(String(from))
      this.#files.set(String(to), file)
      this.#steps.push({ kind: 'renamed', path: String(from), to: String(to), file })
    },
    unlink: async path => {
      await fs.unlink(path)
      this.#steps.push({ kind: 'removed', path: String(path), file: this.#files.get(String(path)) ?? 0 })
      this.#files.delete(String(path))
    }
  }

  /** What may be left after a cut behind so many steps: the bytes of each path. */
  cut (steps: number, random: Random): Map<string, Buffer> {
    const lasting = new Map<string, number>()
    const pending = new Map<string, Step[]>()
    const flushed = new Map<number, Buffer>()
    const written = new Map<number, Buffer[]>()
    for (const step of this.#steps.slice(0, steps)) {
      if (step.kind === 'written') written.set(step.file, [...written.get(step.file) ?? [], step.bytes])
      else if (step.kind === 'flushed') {
        flushed.set(step.file, written.get(step.file)?.at(-1) ?? flushed.get(step.file) ?? Buffer.alloc(0))
        written.delete(step.file)
      } else if (step.kind === 'folder flushed') {
        for (const each of pending.get(step.path) ?? []) apply(lasting, each)
        pending.delete(step.path)
      } else pending.set(dirname(step.path), [...pending.get(dirname(step.path)) ?? [], step])
    }
    for (const changes of pending.values()) for (const each of changes.slice(0, random(changes.length + 1))) apply(lasting, each)
    const kept = (file: number): Buffer => {
      const last = flushed.get(file) ?? Buffer.alloc(0)
      const choices = [last, ...(written.get(file) ?? []).flatMap(bytes => [bytes, emptied(bytes, last.length)])]
      return choices[random(choices.length)] ?? last
    }
    return new Map([...lasting].map(([path, file]) => [path, kept(file)]))
  }

  async #open (path: string, flags: string, mode: number | undefined) {
    const handle = await fs.open(path, flags, mode)
    if (flags === 'r') {
      return { sync: async () => { if (this.#lie !== 'folder flush') this.#steps.push({ kind: 'folder flushed', path }) }, close: async () => { await handle.close() } }
    }
    const known = this.#files.get(path)
    const file = known ?? ++this.#count
    this.#files.set(path, file)
    if (known === undefined) this.#steps.push({ kind: 'created', path, file })
    // Its own name may change meanwhile, so the bytes are kept along.
    let bytes: Buffer = flags.startsWith('w') ? Buffer.alloc(0) : await fs.readFile(path)
    const become = (to: Buffer): void => {
      bytes = to
      this.#steps.push({ kind: 'written', file, bytes })
    }
    if (flags.startsWith('w')) become(bytes)
    return {
      writeFile: async (more: Buffer) => {
        become(Buffer.concat([bytes, more]))
        await handle.writeFile(more)
      },
      truncate: async (size: number) => {
        become(bytes.subarray(0, size))
        await handle.truncate(size)
      },
      sync: async () => { if (this.#lie !== 'flush') this.#steps.push({ kind: 'flushed', file }) },
      stat: async () => await handle.stat(),
      close: async () => { await handle.close() }
    }
  }
}

function apply (entries: Map<string, number>, step: Step): void {
  if (step.kind === 'created') entries.set(step.path, step.file)
  else if (step.kind === 'removed') entries.delete(step.path)
  else if (step.kind === 'renamed') {
    entries.delete(step.path)
    entries.set(step.to, step.file)
  }
}

/** As long, but with nothing in it behind so many bytes. */
function emptied (bytes: Buffer, keptBytes: number): Buffer {
  return Buffer.concat([bytes.subarray(0, keptBytes), Buffer.alloc(Math.max(0, bytes.length - keptBytes))])
}
