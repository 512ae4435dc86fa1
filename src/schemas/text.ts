import { Type } from '@sinclair/typebox'

/** A moment in the API's JSON: UTC, without a zone. */
export const Datetime = (description: string) => Type.String({
  description: `${description} (UTC)`,
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}$',
  examples: ['2023-06-23T14:30:22.123000']
})

/** A moment on the wire as seconds since 1970. */
export const EpochSeconds = (description: string) => Type.Number({ description: `${description}, in seconds since 1970`, examples: [1687534800.123] })
