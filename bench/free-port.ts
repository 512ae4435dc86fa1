import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Child } from './children.js'

const START_DEADLINE_MS = 60_000

/** A TCP port of the loopback that nothing listens on at the moment. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}

/**
 * Waits until a child accepts connections on a port.
 * @throws where it ends before, or takes too long
 */
export async function accepting (child: Child, port: number): Promise<void> {
  const deadlineMs = performance.now() + START_DEADLINE_MS
  while (!await accepts(port)) {
    if (child.ended || performance.now() > deadlineMs) throw new Error(`${child.name} does not listen on port ${port}: ${child.errorText}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function accepts (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
