import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createCommandDetector } from '../../../src/cli/camera/detector-command.js'

const { signal } = new AbortController()
const jpeg = Buffer.alloc(300_000, 'picture')
const detect = async (command: string, timeoutMs = 10_000, picture = jpeg) => await createCommandDetector({ command, timeoutMs })(picture, signal)

t.test('the command gets the picture and its output is what the detector says', async t => {
  t.equal((await detect('wc -c')).trim(), '300000')
  t.equal(await detect('printf "%s" "$0" | cat; exit 0'), '/bin/sh', 'it is for the shell')
})

t.test('one that does not read the picture is no failure', async t => {
  t.equal(await detect('echo ok'), 'ok\n')
})

t.test('a failure is one line with its last words', async t => {
  await t.rejects(detect('echo first >&2; echo no model >&2; exit 3'), { message: 'exit code 3: no model' })
  await t.rejects(detect('/no/such/detector'), { message: /^exit code 127: .*not found/ })
  await t.rejects(detect('kill -9 $$'), { message: /^SIGKILL/ })
})

t.test('one that takes too long is killed, with what it has started', async t => {
  const folder = t.testdir({})
  const pidFile = join(folder, 'pid')
  await t.rejects(detect(`sh -c 'echo $$ > ${pidFile}; exec sleep 1000'; true`, 500), { message: 'no answer within 0.5 s' })
  const pid = Number(readFileSync(pidFile, 'utf8'))
  t.ok(pid > 1)
  t.match(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout, /^(Z.*\n)?$/, 'gone, or dead and not yet buried')
})

t.test('one that says too much is killed', async t => {
  await t.rejects(detect('yes'), { message: /more than 262144 bytes/ })
})

t.test('the signal kills it', async t => {
  const stop = new AbortController()
  const folder = t.testdir({ pid: '' })
  const watcher = watch(join(folder, 'pid'))
  const ended = createCommandDetector({ command: `echo $$ > ${folder}/pid; exec sleep 1000`, timeoutMs: 100_000 })(jpeg, stop.signal)
  await once(watcher, 'change')
  watcher.close()
  stop.abort()
  await t.rejects(ended)
  await t.rejects(createCommandDetector({ command: 'true', timeoutMs: 1000 })(jpeg, stop.signal), { name: 'AbortError' })
})

t.test('two pictures after each other are two runs', async t => {
  const folder = t.testdir({})
  writeFileSync(join(folder, 'd.sh'), 'cat >> "$1"; echo x >> "$1"')
  for (const picture of ['a', 'b']) await detect(`sh ${folder}/d.sh ${folder}/out`, 10_000, Buffer.from(picture))
  t.equal(readFileSync(join(folder, 'out'), 'utf8'), 'ax\nbx\n')
})
