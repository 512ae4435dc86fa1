/**
 * Reads a plain decimal number, such as `5`, `-1` or `2.5`. Undefined for anything else: `Number` would take `1e3`,
 * `0x10` and the empty text too, and an id that is read as another one shows the wrong evidence.
 */
export function parseDecimal (text: string): number | undefined {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}
