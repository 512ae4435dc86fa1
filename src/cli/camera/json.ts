/** The keys of a JSON object; undefined for anything else. */
export function asObject (value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}
