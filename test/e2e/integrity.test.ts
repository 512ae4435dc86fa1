import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder, upload } from '../helper.js'
import { startServerProcess } from './server-process.js'

/** The commands of docs/security.md that check a head with nothing of this program. */
const byHand = /```sh\n(curl -fsS "\$SERVER\/api\/integrity"[^]*?)```/.exec(readFileSync('docs/security.md', 'utf8'))?.[1] ?? ''

t.test('a head can be checked by hand with curl and openssl, as the documentation says', async t => {
  const { url } = await startServerProcess(t)
  await upload(url, { spill: true })
  const cwd = temporaryFolder(t)
  const run = (commands: string): string => execFileSync('bash', ['-ec', commands], { cwd, env: { ...process.env, SERVER: url }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  t.match(run(byHand), /Signature Verified Successfully/)
  writeFileSync(join(cwd, 'statement'), readFileSync(join(cwd, 'statement'), 'utf8').replace('"sequence":', '"sequence":1'))
  t.throws(() => run(byHand.split('\n').at(-2) ?? ''), 'openssl refuses another statement')
})
