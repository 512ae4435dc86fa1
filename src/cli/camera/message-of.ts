/**
 * What went wrong, in one line. A connection refused at each of several addresses has an empty message but a code.
 */
export function messageOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== '') return error.message
  return 'code' in error ? String(error.code) : error.name
}
