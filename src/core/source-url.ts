/** How a source is read: HTTP by the server itself or through ffmpeg, the others through ffmpeg alone. */
export type SourceScheme = 'http' | 'https' | 'rtsp' | 'rtsps' | 'rtmp' | 'rtmps'

/** The address of a source, taken apart. */
export interface SourceUrl {
  readonly scheme: SourceScheme
  readonly url: URL
  /** As the URL parser has it for http: IPv4 in its usual notation, IPv6 in brackets, lower case. */
  readonly hostname: string
  readonly port: number
}

/** By scheme, where the address names none. */
const PORTS: Readonly<Record<SourceScheme, number>> = { http: 80, https: 443, rtsp: 554, rtsps: 322, rtmp: 1935, rtmps: 443 }

const MAX_LENGTH = 2048

const isSourceScheme = (scheme: string): scheme is SourceScheme => Object.hasOwn(PORTS, scheme)

/**
 * Takes the address of a source apart. Pure: whether the host may be reached, or is there, shows when it is read.
 * @returns the address, or what is wrong with it and what to do; the problem holds nothing of the address but its scheme
 */
export function parseSourceUrl (text: string): SourceUrl | { readonly problem: string } {
  if (text.length > MAX_LENGTH) return { problem: `the address is longer than ${MAX_LENGTH} characters` }
  // The URL parser drops some of these without a word.
  if (/[\s\p{Cc}]/u.test(text)) return { problem: 'the address has a space or a control character in it: write a space as %20' }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined || !isSourceScheme(scheme)) {
    const instead = scheme === undefined ? '' : `, not ${scheme}:`
    return { problem: `the server reads addresses of http, https, rtsp, rtsps, rtmp and rtmps${instead}; the edge agent (npm run camera) reads files, devices and all else where they are` }
  }
  if (!/^[a-z]+:\/\//i.test(text)) return { problem: `write two slashes behind ${scheme}:` }
  const url = URL.canParse(text) ? new URL(text) : undefined
  // Only for schemes that it knows well does the parser bring 0x7f.1 into its usual form.
  const hostname = url === undefined ? '' : plainHost(url.hostname)
  if (url === undefined || hostname === '') {
    return { problem: 'the address has no usable host: write scheme://user:password@host:port/path, and characters such as @ # ? / % in a password as %40 %23 %3F %2F %25' }
  }
  if (url.port === '0') return { problem: 'there is no port 0' }
  if (scheme.startsWith('rtmp') && (url.username !== '' || url.password !== '')) return { problem: 'an rtmp address takes no user name: put the key into its path' }
  return { scheme, url, hostname, port: Number(url.port || PORTS[scheme]) }
}

/**
 * What is wrong with the address of a source, and what to do; undefined for one that the server can try to read.
 * @param text as somebody wrote it
 */
export function sourceProblem (text: string): string | undefined {
  const parsed = parseSourceUrl(text)
  return 'problem' in parsed ? parsed.problem : undefined
}

/**
 * The address of a source for people to see: the user name, the password and the values of the query, where cameras
 * often have passwords, are three stars each; and so is the path of rtmp, which has the key.
 */
export function maskedSource (text: string): string {
  const parsed = parseSourceUrl(text)
  if ('problem' in parsed) return '***'
  const { scheme, url, hostname } = parsed
  const user = url.username === '' && url.password === '' ? '' : '***@'
  const path = scheme.startsWith('rtmp') ? '/***' : url.pathname // where the key of a stream stands
  return `${scheme}://${user}${hostname}${url.port === '' ? '' : `:${url.port}`}${path}${url.search.replace(/=[^&]*/g, '=***')}`
}

/** Empty where it is none. */
function plainHost (hostname: string): string {
  const address = `http://${hostname}/`
  return hostname !== '' && URL.canParse(address) ? new URL(address).hostname : ''
}
