/** The headers by which a browser says where a request comes from. */
interface Origins {
  readonly 'sec-fetch-site'?: string | string[] | undefined
  readonly origin?: string | undefined
}

/**
 * Whether a browser sends this request on behalf of another site. Cookies and Basic passwords are sent again by browsers
 * without being asked, so what changes something must come from the server's own pages, or from no page at all. Where a
 * browser does not say (over plain HTTP), the origin is compared with the host that was asked. Programs say neither.
 *
 * Source: Fetch Metadata (W3C); OWASP, Cross-Site Request Forgery Prevention.
 * @param host the host and port that the client asked for
 */
export function isCrossSite (headers: Origins, host: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (headers.origin === undefined) return false
  try {
    const origin = new URL(headers.origin)
    return origin.host !== new URL(`${origin.protocol}//${host}`).host
  } catch {
    return true
  }
}
