/** Stands for this server where an address has none; nobody can have it (RFC 6761, section 6.4). */
const HERE = 'http://here.invalid'

/**
 * Reads where somebody wants to go on after a login. Only a path of this server counts, or a link to the login would
 * lead to whatever site its maker likes: browsers read `//host` and `/\host` as other hosts, and leave out tabs and line
 * breaks first. So it is read as browsers do (WHATWG URL).
 * @returns a path, `/` where it is none of this server
 */
export function localPath (text: string | undefined): string {
  if (text?.startsWith('/') !== true || !URL.canParse(text, HERE)) return '/'
  const { origin, pathname, search, hash } = new URL(text, HERE)
  const path = `${pathname}${search}${hash}`
  return origin === HERE && !path.startsWith('//') ? path : '/'
}
