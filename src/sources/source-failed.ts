/** Why a source gives no pictures, in words that hold no secret of its address. */
export class SourceFailed extends Error {
  override name = 'SourceFailed'
  /** Whether a new try soon is of no use, or does harm: many cameras lock out who comes with a wrong password too often. */
  readonly needsHelp: boolean

  constructor (message: string, options: { needsHelp?: boolean } = {}) {
    super(message)
    this.needsHelp = options.needsHelp ?? false
  }
}
