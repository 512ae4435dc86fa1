import { Type } from '@sinclair/typebox'

/** What starts or stops a stream. */
export const StreamControl = Type.Object({
  password: Type.Optional(Type.String({ description: 'The camera password; not needed by operators who are logged in', examples: ['your_camera_password'] }))
}, { $id: 'StreamControl' })

/** The answer to it. */
export const StreamControlled = (status: 'Stream started' | 'Stream stopped') => Type.Object({ status: Type.Literal(status, { examples: [status] }) })
