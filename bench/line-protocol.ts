import { createInterface } from 'node:readline'
import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/**
 * How the clients of the benchmark are led: they print a line of JSON once they are ready, another at the end, and are
 * told `begin`, `pause` and `end` on their standard input. A client whose standard input closes has lost its runner and ends.
 */
export interface Client {
  /** Sets all counters to zero. */
  begin (): void
  /** Loads the server no more, but keeps what is open. */
  pause? (): void
  /** What was counted since `begin`. */
  report (): unknown
}

/** The one argument of a client, as JSON. */
export function readSettings<Schema extends TSchema> (schema: Schema): Static<Schema> {
  return Value.Parse(schema, JSON.parse(process.argv[2] ?? 'null'))
}

/** Says that the client is ready, and obeys until the end. */
export function serveRunner (client: Client): void {
  say({ ready: true })
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => {
    if (line === 'begin') client.begin()
    if (line === 'pause') client.pause?.()
    if (line === 'end') {
      process.stdout.write(JSON.stringify(client.report()) + '\n', () => { process.exit(0) })
    }
  })
}

/** Ends this process when its runner is gone. For servers too. */
export function endWithRunner (): void {
  process.stdin.on('close', () => { process.exit(1) })
  process.stdin.resume()
}

/** Prints a line of JSON. */
export function say (message: unknown): void {
  process.stdout.write(JSON.stringify(message) + '\n')
}

/** Seconds of CPU time that this process has used. */
export function ownCpuSeconds (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
