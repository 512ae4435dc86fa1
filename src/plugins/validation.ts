import { TypeCompiler, type ValueError } from '@sinclair/typebox/compiler'
import type { TSchema } from '@sinclair/typebox'
import fp from 'fastify-plugin'
import { parseDecimal } from '../core/decimal.js'

/**
 * Checks requests against their TypeBox schemas. Bodies are taken as they are; in addresses, where all is text, plain
 * decimal numbers are read as numbers, lists may be separated by commas or said one by one, and nothing else is converted.
 */
export default fp(async app => {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const compiled = TypeCompiler.Compile(schema)
    return value => {
      const converted = httpPart === 'body' ? value : withNumbers(schema, value)
      if (compiled.Check(converted)) return { value: converted }
      const wrong = compiled.Errors(converted).First()
      return { error: new Error(`${httpPart}${wrong?.path} ${reasonOf(wrong)}`) }
    }
  })
}, { name: 'validation' })

/** Of what may be one thing or another, such as a number or null, the first says what is meant; of words, all do. */
function reasonOf (wrong: ValueError | undefined): string | undefined {
  const reasons = wrong?.errors.flatMap(each => each.First()?.message ?? []) ?? []
  if (reasons.every(reason => reason.startsWith('Expected \''))) return reasons.join(' or ').replaceAll(' or Expected', ' or') || wrong?.message
  return reasons[0]
}

function withNumbers (schema: TSchema, values: Record<string, unknown>): Record<string, unknown> {
  const properties: Record<string, TSchema> = schema['properties']
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fromText(properties[name], value)]))
}

function fromText (schema: TSchema | undefined, value: unknown): unknown {
  const items: TSchema | undefined = schema?.['type'] === 'array' ? schema['items'] : undefined
  if (items !== undefined) return [value].flat().flatMap(each => typeof each === 'string' ? each.split(',') : [each]).map(each => fromText(items, each))
  const isNumber = ['integer', 'number'].includes(schema?.['type'])
  return isNumber && typeof value === 'string' ? parseDecimal(value) ?? value : value
}
