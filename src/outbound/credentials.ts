import { createHash, randomBytes } from 'node:crypto'

/** One challenge of a WWW-Authenticate header: its scheme in lower case, its parameters by lower-case name. */
interface Challenge { readonly scheme: string, readonly parameters: ReadonlyMap<string, string> }

/** The digests that a challenge may ask for (RFC 7616), by what `node:crypto` calls them. The better one is first. */
const DIGESTS: ReadonlyArray<readonly [algorithm: RegExp, hash: string]> = [
  [/^sha-256(-sess)?$/i, 'sha256'],
  [/^md5(-sess)?$/i, 'md5']
]

/**
 * A user name and a password for one server of HTTP or RTSP. Nothing is sent before the server has asked, so that a
 * camera that wants Digest never gets the password itself. Digest is RFC 7616 with SHA-256 or MD5, `qop=auth` or none;
 * otherwise Basic (RFC 7617).
 */
export class Credentials {
  readonly #user: string
  readonly #password: string
  #challenge: Challenge | undefined
  #nonceCount = 0

  constructor (user: string, password: string) {
    this.#user = user
    this.#password = password
  }

  /** Those that a URL holds; undefined where it holds none. */
  static of (url: URL): Credentials | undefined {
    return url.username === '' && url.password === '' ? undefined : new Credentials(decode(url.username), decode(url.password))
  }

  /**
   * Takes what a 401 asks for.
   * @param header the value of WWW-Authenticate, several ones with commas between them
   * @returns whether it can be answered
   */
  challenge (header: string): boolean {
    const challenges = parseChallenges(header)
    const digests = DIGESTS.map(([algorithm]) => challenges.find(({ scheme, parameters }) => scheme === 'digest' &&
      parameters.has('nonce') && algorithm.test(parameters.get('algorithm') ?? 'MD5') && offersAuth(parameters.get('qop'))))
    this.#challenge = digests.find(each => each !== undefined) ?? challenges.find(({ scheme }) => scheme === 'basic')
    this.#nonceCount = 0
    return this.#challenge !== undefined
  }

  /**
   * The Authorization header of a request; undefined before a challenge.
   * @param uri as it stands in the request line
   */
  authorize (method: string, uri: string): string | undefined {
    if (this.#challenge === undefined) return undefined
    const { scheme, parameters } = this.#challenge
    if (scheme === 'basic') return `Basic ${Buffer.from(`${this.#user}:${this.#password}`).toString('base64')}`
    return this.#digest(parameters, method, uri)
  }

  #digest (parameters: Challenge['parameters'], method: string, uri: string): string {
    const algorithm = parameters.get('algorithm')
    const hash = DIGESTS.find(([each]) => each.test(algorithm ?? 'MD5'))?.[1] ?? 'md5'
    const h = (text: string) => createHash(hash).update(text).digest('hex')
    const realm = parameters.get('realm') ?? ''
    const nonce = parameters.get('nonce') ?? ''
    const opaque = parameters.get('opaque')
    const cnonce = randomBytes(16).toString('hex')
    const nc = (++this.#nonceCount).toString(16).padStart(8, '0')
    const secret = h(`${this.#user}:${realm}:${this.#password}`)
    const isSession = /-sess$/i.test(algorithm ?? '')
    const ha1 = isSession ? h(`${secret}:${nonce}:${cnonce}`) : secret
    const ha2 = h(`${method}:${uri}`)
    const hasQop = parameters.has('qop')
    const response = h(hasQop ? `${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}` : `${ha1}:${nonce}:${ha2}`)
    return 'Digest ' + [
      `username=${quote(this.#user)}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`, `uri=${quote(uri)}`, `response="${response}"`,
      ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
      ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
      ...(hasQop ? ['qop=auth', `nc=${nc}`] : []),
      ...(hasQop || isSession ? [`cnonce="${cnonce}"`] : [])
    ].join(', ')
  }
}

function offersAuth (qop: string | undefined): boolean {
  return qop === undefined || qop.split(',').some(each => each.trim().toLowerCase() === 'auth')
}

/** A word without a value begins a challenge, one with a value is a parameter of it (RFC 9110, 11.6.1). */
function parseChallenges (header: string): Challenge[] {
  const challenges: Array<{ scheme: string, parameters: Map<string, string> }> = []
  for (const [, name = '', quoted, plain] of header.matchAll(/([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*)))?/g)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() })
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value)
  }
  return challenges
}

/** Leaves out line ends, which would end the header. */
function quote (text: string): string {
  return `"${text.replace(/[\r\n]/g, '').replace(/["\\]/g, '\\$&')}"`
}

/** A lone percent sign stands for itself. */
function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
