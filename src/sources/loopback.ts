import { createServer, type AddressInfo, type Socket } from 'node:net'

/** A port of the loopback that takes one connection. */
export interface LoopbackPort {
  readonly port: number
  /** The connection, once it is there. */
  readonly connection: Promise<Socket>
  /** Stops waiting for it. */
  readonly close: () => void
}

/**
 * Opens a port on the loopback for ffmpeg to connect to. The first connection closes it.
 * @throws Error where there is no free port
 */
export async function openLoopbackPort (): Promise<LoopbackPort> {
  const server = createServer({ noDelay: true, pauseOnConnect: true })
  server.maxConnections = 1
  const connection = new Promise<Socket>(resolve => {
    server.once('connection', socket => {
      server.close()
      socket.on('error', () => {}) // it is heard of by 'close'
      resolve(socket)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  return { port: portOf(server.address()), connection, close: () => { server.close() } }
}

function portOf (address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the loopback gave no port')
  return address.port
}
