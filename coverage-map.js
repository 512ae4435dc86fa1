import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const sources = readdirSync('.build/src', { recursive: true }).filter(path => path.endsWith('.js')).map(path => join('.build/src', path))

/** For tap: whatever the test, what has to be covered is the program, not the helpers of the tests. */
export default () => sources
