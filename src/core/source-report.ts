/**
 * What the server is doing with a camera's source: `connecting` until the first picture, `receiving` from then on,
 * `waiting` for the next try.
 */
export type SourceState = 'connecting' | 'receiving' | 'waiting'

/** How reading a source goes. */
export interface SourceReport {
  readonly state: SourceState
  /** Why the last try failed, without any secret of the address; undefined while it goes well. */
  readonly reason: string | undefined
}
