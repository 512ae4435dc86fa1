import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from './paths.js'
import { GROUP_NAMES, groupOf, POINTS, QUICK_POINTS, type Point } from './points.js'
import { SERVER_NAMES, type ServerName } from './servers.js'
import type { Timing } from './timing.js'

/** What was asked for on the command line. */
export interface Options {
  readonly points: readonly Point[]
  readonly servers: readonly ServerName[]
  readonly rounds: number
  readonly timing: Timing
  readonly out: string
  readonly ourProgram: string
  /** A JSON to make the document from, instead of a run. */
  readonly report: string | undefined
  /** Whether to make the document from the run. */
  readonly publish: boolean
  readonly help: boolean
}

export const USAGE = `npm run bench -- [options]

  --quick           fewer points, one round of 2 s: about two minutes
  --only GROUP      only the points about one camera (camera), about many (cameras), or about a million events (history)
  --points A,B      only these: ${POINTS.map(({ name }) => name).join(', ')}
  --servers A,B     only these: ${SERVER_NAMES.join(', ')}
  --rounds N        how often each is measured; the median counts (3)
  --seconds S       how long each is measured (5)
  --warm-up S       how long each is warmed up before (5)
  --ours FILE       the program that is measured as ours (dist/server.js)
  --out FILE        where the JSON goes (bench-results.json)
  --publish         make docs/performance.md from this run, where no part of it has failed
  --report FILE     measure nothing; make docs/performance.md and its picture from this JSON
`

/** A mistake on the command line. */
export class OptionError extends Error {}

/** Reads the command line. @throws OptionError where it cannot be understood */
export function readOptions (args: readonly string[]): Options {
  const { values } = parse(args)
  const quick = values.quick === true
  const group = values.only === undefined ? undefined : choose('group', values.only, GROUP_NAMES, GROUP_NAMES, name => name)
  const all = quick ? QUICK_POINTS : POINTS
  const ofGroup = group === undefined ? all : all.filter(point => group.includes(groupOf(point)))
  return {
    points: choose('point', values.points, quick ? [...QUICK_POINTS, ...POINTS] : POINTS, ofGroup, ({ name }) => name),
    servers: choose('server', values.servers, SERVER_NAMES, SERVER_NAMES, name => name),
    rounds: positive('rounds', values.rounds ?? (quick ? '1' : '3')),
    timing: {
      seconds: positive('seconds', values.seconds ?? (quick ? '2' : '5')),
      warmUpSeconds: positive('warm-up', values['warm-up'] ?? (quick ? '1' : '5')),
      settleSeconds: quick ? 0.5 : 1
    },
    out: values.out ?? 'bench-results.json',
    ourProgram: resolve(values.ours ?? join(projectRoot, 'dist', 'server.js')),
    report: values.report,
    publish: values.publish === true,
    help: values.help === true
  }
}

function parse (args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        only: { type: 'string' },
        points: { type: 'string' },
        servers: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        'warm-up': { type: 'string' },
        ours: { type: 'string' },
        out: { type: 'string' },
        publish: { type: 'boolean' },
        report: { type: 'string' },
        help: { type: 'boolean' }
      }
    })
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error))
  }
}

function choose <T> (what: string, text: string | undefined, from: readonly T[], otherwise: readonly T[], nameOf: (each: T) => string): readonly T[] {
  if (text === undefined) return otherwise
  return text.split(',').map(name => {
    const found = from.find(each => nameOf(each) === name)
    if (found === undefined) throw new OptionError(`there is no ${what} ${name}; there are ${[...new Set(from.map(nameOf))].join(', ')}`)
    return found
  })
}

function positive (name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new OptionError(`--${name} must be a number above 0`)
  return value
}
