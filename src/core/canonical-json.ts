/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * Writes JSON in the one form that everybody gets who writes the same data: keys sorted by UTF-16 code units, no space,
 * numbers and strings as ECMAScript writes them. Source: RFC 8785 (JSON Canonicalization Scheme).
 * @throws TypeError for a number that is not finite, or text that is not well-formed Unicode: I-JSON has neither
 */
export function canonicalJson (value: Json): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`JSON has no number ${value}`)
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) throw new TypeError('JSON text must be well-formed Unicode')
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalJson).join()}]`
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
  return `{${members.map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`).join()}}`
}

function isList (value: object): value is readonly Json[] {
  return Array.isArray(value)
}
