/** What an Authorization header says. */
export type Authorization =
  | { readonly scheme: 'basic', readonly username: string, readonly password: string }
  | { readonly scheme: 'bearer', readonly token: string }

/**
 * Reads an Authorization header: a name and password in UTF-8 (RFC 7617), or a bearer token (RFC 6750).
 * Undefined where it is neither, or not well-formed.
 */
export function parseAuthorization (header: string): Authorization | undefined {
  const [, scheme = '', value = ''] = /^(basic|bearer) +([\w\-.~+/]+=*) *$/i.exec(header) ?? []
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', token: value }
  if (scheme.toLowerCase() !== 'basic') return undefined
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { scheme: 'basic', username: text.slice(0, colon), password: text.slice(colon + 1) }
}
