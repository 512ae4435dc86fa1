import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { specialKind } from './address.js'
import { allowsAddress, allowsName, type AllowRules } from './allow-list.js'

/** An address that may be connected to. */
export interface CheckedAddress { readonly address: string, readonly family: 4 | 6 }

/** Finds all addresses of a host name, or throws. */
export type Resolver = (hostname: string) => Promise<readonly string[]>

/** An address that the server must not connect to. Its message names it, and the setting that allows it. */
export class OutboundRefused extends Error {
  override name = 'OutboundRefused'
}

/** A host that cannot be reached, or does not answer as it should. Its message holds no secret of a URL. */
export class OutboundFailed extends Error {
  override name = 'OutboundFailed'
}

/** As the machine itself resolves names: its hosts file, its DNS, its order. */
const systemResolver: Resolver = async hostname => (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address)

/**
 * Keeps the server from being used to reach what only it can reach (server-side request forgery): an address that is
 * not an ordinary one of the Internet is refused unless OUTBOUND_ALLOW names it. To be asked for every connection, and
 * the connection must go to an address that it gave: a second look-up may have another answer (DNS rebinding).
 */
export class OutboundGuard {
  readonly #rules: AllowRules
  readonly #resolver: Resolver

  /** @param resolver tests have their own */
  constructor (rules: AllowRules, resolver: Resolver = systemResolver) {
    this.#rules = rules
    this.#resolver = resolver
  }

  /**
   * The addresses of a host, all of them allowed; at least one.
   * @param hostname as the URL parser gives it, which turns every notation of an IPv4 address into the usual one
   * @throws OutboundRefused if any of its addresses is refused: a host with one foot inside is not to be trusted
   * @throws OutboundFailed if it has no address
   */
  async resolve (hostname: string): Promise<readonly CheckedAddress[]> {
    const host = withoutBrackets(hostname)
    const addresses = isIP(host) === 0 ? await this.#lookUp(host) : [host]
    const named = allowsName(this.#rules, host)
    return addresses.map(address => {
      const kind = named || allowsAddress(this.#rules, address) ? undefined : specialKind(address)
      if (kind !== undefined) throw new OutboundRefused(refusal(host, address, kind))
      return { address, family: isIP(address) === 6 ? 6 : 4 }
    })
  }

  async #lookUp (host: string): Promise<readonly string[]> {
    const addresses = await this.#resolver(host).catch((error: unknown) => {
      throw new OutboundFailed(`${host} has no address (${codeOf(error)}): check the name`)
    })
    if (addresses.length === 0) throw new OutboundFailed(`${host} has no address: check the name`)
    return addresses
  }
}

/** The host of a URL as resolvers and sockets want it: IPv6 without its brackets. */
export function withoutBrackets (hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname
}

function refusal (host: string, address: string, kind: string): string {
  const which = host === address ? address : `${host} is ${address}, which`
  return `${which} is ${kind} address, and the server may not reach it: if it should, name it in OUTBOUND_ALLOW (${host === address ? address : `${host} or ${address}`})`
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
