/**
 * Text as UTF-8 can hold it: half of a surrogate pair, which JSON may have, becomes U+FFFD, as SQLite stores it. So what
 * the ledger tells of a text is what the table has.
 */
export function wellFormed (text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD')
}
