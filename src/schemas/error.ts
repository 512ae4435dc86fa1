import { Type } from '@sinclair/typebox'

/** Every error, on every route. */
export const ErrorSchema = Type.Object({
  statusCode: Type.Integer({ description: 'The HTTP status' }),
  code: Type.String({ description: 'What went wrong, for programs: stable' }),
  error: Type.String({ description: 'The name of the HTTP status' }),
  message: Type.String({ description: 'What went wrong and what to do, for people' })
}, { $id: 'Error', description: 'Every error has this shape.' })
