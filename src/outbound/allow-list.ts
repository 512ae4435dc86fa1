import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, prefixLength: number]

/** What may be reached although it is not an ordinary address of the Internet. */
export interface AllowRules {
  /** Lower case, without a dot at the end. */
  readonly names: ReadonlySet<string>
  readonly networks: readonly Network[]
}

/** Nothing but ordinary addresses of the Internet. */
export const NO_RULES: AllowRules = { names: new Set(), networks: [] }

/** One label of a host name; underscores are no more than unusual. */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/**
 * Reads OUTBOUND_ALLOW: networks (10.1.0.0/16, fd00::/8), single addresses and host names, with commas or white space
 * between them. A name allows every address that it resolves to; it says nothing of names below it.
 * @returns the rules, or what is wrong with the first entry that is
 */
export function parseAllowList (text: string): { readonly rules: AllowRules } | { readonly problem: string } {
  const names = new Set<string>()
  const networks: Network[] = []
  for (const entry of text.split(/[\s,]+/).filter(each => each !== '')) {
    const read = readNetwork(entry) ?? readName(entry)
    if (typeof read === 'string') names.add(read)
    else if ('problem' in read) return read
    else networks.push(read)
  }
  return { rules: { names, networks } }
}

/** Whether a rule names this address, written as the system's resolver or the URL parser does. */
export function allowsAddress ({ networks }: AllowRules, address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  return networks.some(([network, prefixLength]) => parsed.kind() === network.kind() && parsed.match(network, prefixLength))
}

/** Whether a rule names this host. */
export function allowsName ({ names }: AllowRules, hostname: string): boolean {
  return names.has(plainName(hostname))
}

/** A host name as the rules have it. */
function plainName (hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, '')
}

/** Undefined where the entry is not meant to be a network or an address. */
function readNetwork (entry: string): Network | { problem: string } | undefined {
  const [address = '', prefix, ...more] = entry.split('/')
  const family = address.includes('%') ? 0 : isIP(address)
  const looksLikeOne = entry.includes('/') || entry.includes(':') || /^[\d.]+$/.test(entry)
  if (family === 0 || more.length > 0) {
    return looksLikeOne ? { problem: `"${entry}" is neither a network such as 10.1.0.0/16 or fd00::/8 nor a host name (without scheme and port)` } : undefined
  }
  const parsed = ipaddr.parse(address)
  const bits = family === 4 ? 32 : 128
  if (prefix === undefined) return [parsed, bits]
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) return { problem: `"${entry}" needs a number from 0 to ${bits} behind the slash` }
  const first = family === 4 ? ipaddr.IPv4.networkAddressFromCIDR(entry) : ipaddr.IPv6.networkAddressFromCIDR(entry)
  if (first.toNormalizedString() !== parsed.toNormalizedString()) {
    return { problem: `"${entry}" has bits behind its prefix: write ${first.toString()}/${prefix} for the network, or ${address} for the one address` }
  }
  return [parsed, Number(prefix)]
}

function readName (entry: string): string | { problem: string } {
  const name = plainName(entry)
  return name.length <= 253 && name.split('.').every(label => LABEL.test(label))
    ? name
    : { problem: `"${entry}" is neither a host name nor a network such as 10.1.0.0/16` }
}
