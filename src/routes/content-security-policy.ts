import { createHash } from 'node:crypto'

/** Headers of a page of which only what it brings itself may run. Its forms post to this server alone. */
export function pageHeaders ({ style, script }: { style: string, script?: string }): Record<string, string> {
  const policy = [
    "default-src 'none'", "img-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
    ...(script === undefined ? [] : [`script-src 'sha256-${sha256(script)}'`]), `style-src 'sha256-${sha256(style)}'`
  ]
  return { 'content-security-policy': policy.join('; '), 'x-content-type-options': 'nosniff' }
}

function sha256 (text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
