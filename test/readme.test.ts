import { readFileSync } from 'node:fs'
import t from 'tap'
import { ConfigSchema } from '../src/config.js'
import * as errors from '../src/errors.js'

const readme = readFileSync('README.md', 'utf8')

/** The table as it should stand in the README. */
function configTable (): string {
  const rows = Object.entries(ConfigSchema.properties).map(([name, schema]) => {
    const value: unknown = schema['default']
    return `| \`${name}\` | ${value === undefined ? '' : `\`${String(value)}\``} | ${schema.description} |`
  })
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

t.test('the configuration table is what src/config.ts says', async t => {
  t.ok(readme.includes(configTable()), `should be:\n${configTable()}`)
})

t.test('the codes of the troubleshooting table are in the catalogue', async t => {
  const known = Object.values(errors).flatMap(error => error === errors.StartupError ? [] : [new (error as new () => { code: string })().code])
  const named = [...readme.matchAll(/^\| (\d{3}) \| (.+?) \|/gm)].flatMap(row => [...(row[2] ?? '').matchAll(/`([A-Z_]+)`/g)].map(match => match[1]))
  t.ok(named.length >= 10)
  for (const code of named) t.ok(known.includes(String(code)), String(code))
})

t.test('every file that the documents link to is there', async t => {
  for (const document of ['README.md', 'CONTRIBUTING.md', 'docs/security.md', 'docs/deployment.md', 'docs/backup.md', 'docs/event-history.md', 'docs/edge-agent.md']) {
    const folder = document.includes('/') ? 'docs/' : ''
    for (const [, target] of readFileSync(document, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
      t.doesNotThrow(() => readFileSync(`${folder}${target}`), `${document} -> ${target}`)
    }
  }
})
