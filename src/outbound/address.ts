import ipaddr from 'ipaddr.js'

/** What the ranges of `ipaddr.js` are called in a message; those without a name here are called by their own. */
const WORDS: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified',
  broadcast: 'a broadcast',
  multicast: 'a multicast',
  linkLocal: 'a link-local',
  loopback: 'a loopback',
  carrierGradeNat: 'a carrier-grade NAT',
  private: 'a private',
  uniqueLocal: 'a private',
  ipv4Mapped: 'an IPv4-mapped',
  rfc6052: 'a NAT64',
  rfc6145: 'an IPv4-translated',
  '6to4': 'a 6to4',
  teredo: 'a Teredo'
}

/** The only IPv6 addresses that are given out for the Internet (IANA IPv6 Address Space, RFC 4291). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/** Azure's platform server answers every virtual machine there on this address, which is public by its number only. */
const AZURE_PLATFORM = '168.63.129.16'

/**
 * Says what is special about an address, for a message: "a private", "a loopback". Undefined for an ordinary address of
 * the Internet, the only kind that is not special: whatever the IANA special-purpose registries name (RFC 6890), IPv6
 * that holds an IPv4 address, IPv6 outside 2000::/3, and what is no address at all are special.
 * @param address as the system's resolver or the URL parser gives it, IPv6 without brackets
 */
export function specialKind (address: string): string | undefined {
  if (!ipaddr.isValid(address)) return 'an unreadable'
  const parsed = ipaddr.parse(address)
  if (parsed.toString() === AZURE_PLATFORM) return 'a metadata'
  const range = parsed.range()
  if (range !== 'unicast') return WORDS[range] ?? `a special-purpose (${range})`
  if (!(parsed instanceof ipaddr.IPv6)) return undefined
  // The ranges of ipaddr.js 2.5 leave out ::a.b.c.d and what nobody has been given yet.
  if (!parsed.match(GLOBAL_UNICAST)) return 'an unassigned'
  return isIsatap(parsed) ? 'an ISATAP' : undefined
}

/** Whether an IPv4 address stands in the interface identifier (RFC 5214), for a tunnel to send to. */
function isIsatap ({ parts }: ipaddr.IPv6): boolean {
  return (parts[4] === 0 || parts[4] === 0x200) && parts[5] === 0x5efe
}
