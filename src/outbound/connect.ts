import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { OutboundFailed, withoutBrackets, type CheckedAddress, type OutboundGuard } from './guard.js'
import { whenAborted } from './when-aborted.js'

/** Where to connect to. */
export interface Destination {
  /** As the URL parser gives it. */
  readonly hostname: string
  readonly port: number
  readonly tls: boolean
}

/** What a connection is made with. */
export interface ConnectOptions {
  readonly guard: OutboundGuard
  /** For the look-up, the connection and the TLS handshake together. */
  readonly timeoutMs: number
  /** Gives up; once connected it has no effect. */
  readonly signal: AbortSignal
}

/**
 * Connects to a host through the guard: to the very addresses that it checked, one after the other. With TLS, the
 * certificate is checked against the host's name; authorities besides the usual ones are named by NODE_EXTRA_CA_CERTS.
 * @throws OutboundRefused, OutboundFailed, or the reason of the signal
 */
export async function connectGuarded (destination: Destination, { guard, timeoutMs, signal }: ConnectOptions): Promise<Socket> {
  const host = withoutBrackets(destination.hostname)
  const where = `${destination.hostname}:${destination.port}`
  return await new Promise((resolve, reject) => {
    let socket: Socket | undefined
    const settle = (act: () => void) => {
      clearTimeout(timer)
      stopListening()
      act()
    }
    const fail = (error: unknown) => {
      settle(() => { reject(error) })
      socket?.destroy()
    }
    const timer = setTimeout(() => { fail(new OutboundFailed(`${where} could not be connected to within ${timeoutMs / 1000} s`)) }, timeoutMs)
    const stopListening = whenAborted(signal, () => { fail(signal.reason) })
    guard.resolve(host).then(addresses => {
      if (signal.aborted) return
      const opened = socket = open(destination, host, addresses)
      // Stays: an error after this ends the socket, which its user hears of by 'close'.
      opened.on('error', error => { fail(new OutboundFailed(explain(where, error))) })
      opened.once(destination.tls ? 'secureConnect' : 'connect', () => { settle(() => { resolve(opened) }) })
    }).catch(fail)
  })
}

function open ({ port, tls }: Destination, host: string, addresses: readonly CheckedAddress[]): Socket {
  const [first] = addresses
  // Never asked for a literal address, which has been checked as it stands.
  const lookup: LookupFunction = (_hostname, options, callback) => {
    if (options.all === true) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
  const socket = connectTcp({
    host,
    port,
    lookup,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    // Over a satellite the usual quarter of a second for each address is too short.
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 2500
  })
  return tls ? connectTls({ socket, host, ...(isIP(host) === 0 ? { servername: host } : {}) }) : socket
}

/** What went wrong, and for certificates what to do. */
function explain (where: string, error: Error): string {
  const code = 'code' in error ? String(error.code) : ''
  if (/CERT|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code)) {
    return `the certificate of ${where} is not trusted (${code}): name its authority with NODE_EXTRA_CA_CERTS, or use an address without TLS`
  }
  return `${where} cannot be connected to (${code === '' ? error.message : code})`
}
