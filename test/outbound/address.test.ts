import t from 'tap'
import { specialKind } from '../../src/outbound/address.js'

t.test('ordinary addresses of the Internet are not special', async t => {
  for (const address of ['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0',
    '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '2001:4860:4860::8888', '2606:4700::1111', '2a00:1450::1', '2001:200::1']) {
    t.equal(specialKind(address), undefined, address)
  }
})

t.test('every special-purpose range of IPv4 is special, to its edges', async t => {
  const table: Array<[address: string, kind: string]> = [
    ['0.0.0.0', 'an unspecified'], ['0.255.255.255', 'an unspecified'],
    ['10.0.0.0', 'a private'], ['10.255.255.255', 'a private'],
    ['100.64.0.0', 'a carrier-grade NAT'], ['100.127.255.255', 'a carrier-grade NAT'], ['100.100.100.200', 'a carrier-grade NAT'],
    ['127.0.0.0', 'a loopback'], ['127.0.0.1', 'a loopback'], ['127.255.255.255', 'a loopback'],
    ['169.254.0.0', 'a link-local'], ['169.254.169.254', 'a link-local'], ['169.254.255.255', 'a link-local'],
    ['172.16.0.0', 'a private'], ['172.31.255.255', 'a private'],
    ['192.0.0.0', 'a special-purpose (reserved)'], ['192.0.0.192', 'a special-purpose (reserved)'], ['192.0.2.1', 'a special-purpose (reserved)'],
    ['192.31.196.1', 'a special-purpose (as112)'], ['192.52.193.1', 'a special-purpose (amt)'], ['192.88.99.1', 'a special-purpose (reserved)'],
    ['192.168.0.0', 'a private'], ['192.168.255.255', 'a private'], ['192.175.48.1', 'a special-purpose (as112)'],
    ['198.18.0.0', 'a special-purpose (reserved)'], ['198.19.255.255', 'a special-purpose (reserved)'],
    ['198.51.100.1', 'a special-purpose (reserved)'], ['203.0.113.1', 'a special-purpose (reserved)'],
    ['224.0.0.0', 'a multicast'], ['239.255.255.255', 'a multicast'],
    ['240.0.0.0', 'a special-purpose (reserved)'], ['255.255.255.254', 'a special-purpose (reserved)'], ['255.255.255.255', 'a broadcast'],
    ['168.63.129.16', 'a metadata']
  ]
  for (const [address, kind] of table) t.equal(specialKind(address), kind, address)
})

t.test('every special-purpose range of IPv6, and all IPv6 that holds an IPv4 address, is special', async t => {
  const table: Array<[address: string, kind: string]> = [
    ['::', 'an unspecified'], ['::1', 'a loopback'],
    ['::ffff:127.0.0.1', 'an IPv4-mapped'], ['::ffff:7f00:1', 'an IPv4-mapped'], ['::ffff:8.8.8.8', 'an IPv4-mapped'],
    ['::127.0.0.1', 'an IPv4-mapped'], ['::7f00:1', 'an unassigned'], ['::a9fe:a9fe', 'an unassigned'],
    ['::ffff:0:127.0.0.1', 'an IPv4-translated'],
    ['64:ff9b::7f00:1', 'a NAT64'], ['64:ff9b::8.8.8.8', 'a NAT64'], ['64:ff9b:1::1', 'a NAT64'],
    ['100::1', 'a special-purpose (discard)'], ['100:0:0:1::1', 'an unassigned'],
    ['2001::1', 'a Teredo'], ['2001:2::1', 'a special-purpose (benchmarking)'], ['2001:3::1', 'a special-purpose (amt)'], ['2001:4:112::1', 'a special-purpose (as112v6)'],
    ['2001:10::1', 'a special-purpose (deprecatedOrchid)'], ['2001:20::1', 'a special-purpose (orchid2)'], ['2001:30::1', 'a special-purpose (droneRemoteIdProtocolEntityTags)'],
    ['2001:1ff:ffff::1', 'a special-purpose (reserved)'], ['2001:db8::1', 'a special-purpose (reserved)'], ['2620:4f:8000::1', 'a special-purpose (as112v6)'], ['3fff::1', 'a special-purpose (reserved)'],
    ['2002:7f00:1::1', 'a 6to4'], ['2002:808:808::1', 'a 6to4'],
    ['2a00:1450::5efe:127.0.0.1', 'an ISATAP'], ['2a00:1450::200:5efe:a00:1', 'an ISATAP'],
    ['4000::1', 'an unassigned'], ['5f00::1', 'a special-purpose (segmentRouting)'],
    ['fc00::1', 'a private'], ['fd00:ec2::254', 'a private'], ['fe80::1', 'a link-local'], ['fe80::1%eth0', 'a link-local'], ['febf::1', 'a link-local'],
    ['fec0::1', 'a special-purpose (deprecatedSiteLocal)'], ['ff02::1', 'a multicast']
  ]
  for (const [address, kind] of table) t.equal(specialKind(address), kind, address)
})

t.test('what is no address is special', async t => {
  for (const text of ['', 'localhost', '1.2.3.4.5', '[::1]', '1:2', '256.1.1.1']) t.equal(specialKind(text), 'an unreadable', text)
})
