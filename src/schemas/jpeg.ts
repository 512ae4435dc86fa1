import { Type } from '@sinclair/typebox'

/** The bytes of one JPEG. As OpenAPI 3.1 describes binary content: the media type says it all. */
export const Jpeg = Type.Unsafe<Buffer>({ type: 'string', format: 'binary', contentMediaType: 'image/jpeg', description: 'The bytes of one JPEG' })

/** The headers that come with a frame. */
export const frameHeaders = {
  ETag: Type.String({ description: 'Changes with every frame; send it back in If-None-Match', examples: ['"5f0c7e1a-42"'] }),
  'Last-Modified': Type.String({ description: 'When the server received it, to the second', examples: ['Fri, 23 Jun 2023 14:30:22 GMT'] }),
  'X-Timestamp': Type.String({ description: 'When the server received it, in seconds since 1970 with microseconds', examples: ['1687530622.123000'] })
}

/** What a client sends to be told that nothing has changed. */
export const ConditionalHeaders = Type.Object({
  'if-none-match': Type.Optional(Type.String({ description: 'ETags that the client has: a 304 says that one of them is still right', examples: ['"5f0c7e1a-42"'] }))
})
