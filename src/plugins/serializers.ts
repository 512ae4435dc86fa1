import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifySerializerCompiler } from 'fastify'
import fp from 'fastify-plugin'

/** What a reference to a schema of the application looks like in JSON. */
const REFERENCE = /"\$ref":"([^"#]+)#/g

/**
 * Compiles the serializer of each schema once, and tells the compiler only of the schemas that it refers to. Fastify would
 * do so for each status of each route, with all schemas: most are of errors and alike, and it was a third of the start.
 */
export default fp(async app => {
  const serializers = new Map<string, ReturnType<FastifySerializerCompiler<unknown>>>()
  const selectSerializer = SerializerSelector()

  function schemasFor (schema: string, found: Record<string, unknown> = {}): Record<string, unknown> {
    for (const [, id] of schema.matchAll(REFERENCE)) {
      if (id === undefined || id in found) continue
      found[id] = app.getSchema(id)
      schemasFor(JSON.stringify(found[id]), found)
    }
    return found
  }

  app.setSerializerCompiler(({ method, url, httpStatus = '', schema }) => {
    const text = JSON.stringify(schema)
    const known = serializers.get(text)
    if (known !== undefined) return known
    const serializer = selectSerializer(schemasFor(text))({ method, url, httpStatus, schema })
    serializers.set(text, serializer)
    return serializer
  })
}, { name: 'serializers' })
