import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

const END_GRACE_MS = 3000
const ANSWER_DEADLINE_MS = 40_000
const KEPT_ERROR_TEXT = 4000

const running = new Set<Child>()

/** Ends all children that are left, at once. For when the runner itself ends. */
export function killChildren (): void {
  for (const child of running) child.kill()
}

/** A process that the benchmark has started. */
export class Child {
  readonly name: string
  readonly #process: ChildProcess
  readonly #lines: Interface
  readonly #unread: string[] = []
  readonly #exited: Promise<unknown>
  #wake = (): void => {}
  #errorText = ''
  #broken = false

  constructor (name: string, command: string, args: readonly string[], { environment = {}, folder }: { environment?: NodeJS.ProcessEnv, folder?: string } = {}) {
    this.name = name
    const { stdout, stderr } = this.#process = spawn(command, args, { env: { PATH: process.env['PATH'], ...environment }, cwd: folder, stdio: 'pipe' })
    if (stdout === null || stderr === null) throw new Error('a child has no pipes')
    this.#exited = once(this.#process, 'close').catch(() => {})
    this.#process.on('error', error => {
      this.#errorText += error.message
      this.#broken = true
      this.#wake()
    })
    this.#process.stdin?.on('error', () => {})
    this.#process.on('close', () => {
      running.delete(this)
      this.#wake()
    })
    stderr.on('data', chunk => { this.#errorText = (this.#errorText + String(chunk)).slice(-KEPT_ERROR_TEXT) })
    this.#lines = createInterface({ input: stdout })
    this.#lines.on('line', line => {
      this.#unread.push(line)
      this.#wake()
    })
    running.add(this)
  }

  /** The end of what it has written to its standard error. */
  get errorText (): string { return this.#errorText.trim() }

  /** Its process id. @throws where it could not be started */
  get pid (): number {
    if (this.#process.pid === undefined) throw this.#failure('could not be started')
    return this.#process.pid
  }

  get ended (): boolean { return this.#broken || this.#process.exitCode !== null || this.#process.signalCode !== null }

  /** Writes a line to its standard input. */
  tell (line: string): void { this.#process.stdin?.write(`${line}\n`) }

  /**
   * Waits for its next line.
   * @throws where it ends before, or says nothing for a long time
   */
  async line (withinMs = ANSWER_DEADLINE_MS): Promise<string> {
    const deadlineMs = performance.now() + withinMs
    for (;;) {
      const line = this.#unread.shift()
      if (line !== undefined) return line
      if (this.ended) throw this.#failure('ended')
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw this.#failure('does not answer')
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  /** Its next line, as JSON of this shape. */
  async answer <Schema extends TSchema>(schema: Schema): Promise<Static<Schema>> {
    return Value.Parse(schema, JSON.parse(await this.line()))
  }

  /** Waits for its end and hands over all lines that are left. */
  async output (): Promise<string> {
    await this.#exited
    return this.#unread.splice(0).join('\n')
  }

  /** Asks it to end, and ends it if it does not. */
  async end (): Promise<void> {
    if (running.has(this)) {
      this.#process.kill('SIGTERM')
      const timer = setTimeout(() => { this.kill() }, END_GRACE_MS)
      await this.#exited
      clearTimeout(timer)
    }
    this.#lines.close()
  }

  kill (): void { this.#process.kill('SIGKILL') }

  #failure (what: string): Error { return new Error(`${this.name} ${what}: ${this.errorText}`) }
}
