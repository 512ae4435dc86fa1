import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { CommandError, parseCommand, type Command } from '../../src/cli/commands/command.js'
import { COMMANDS } from '../../src/cli/commands/index.js'
import { main } from '../../src/cli/videostream.js'
import { StartupError } from '../../src/errors.js'
import { version } from '../../src/version.js'

const program = fileURLToPath(new URL('../../src/cli/videostream.js', import.meta.url))

/** A command that does as it is told. */
function command (run: Command['run']): Command {
  return { name: 'try', summary: 'tries', help: 'try DIR\n\nTries.', run }
}

/** What `main` prints, and its exit code. */
async function call (argv: readonly string[], run: Command['run'] = async () => 0) {
  const [out, errors]: [string[], string[]] = [[], []]
  const terminal = { log: (text: string) => { out.push(text) }, error: (line: string) => { errors.push(line) } }
  const exitCode = await main(argv, { DATA_DIR: 'there' }, { terminal, commands: [command(run)] })
  return { exitCode, out, errors }
}

t.test('help lists all commands, and explains each', async t => {
  for (const argv of [['--help'], ['-h'], ['help'], ['help', 'unknown']]) {
    const { exitCode, out, errors } = await call(argv)
    t.strictSame([exitCode, errors], [0, []], argv.join(' '))
    t.match(out.join('\n'), /^Usage: videostream COMMAND.*\n {2}try {2}tries\n[^]*Exit codes: 0 /s)
  }
  for (const argv of [['help', 'try'], ['try', '--help'], ['try', 'x', '-h']]) {
    t.match(await call(argv, async () => { throw new Error('not to be run') }), { exitCode: 0, out: ['Usage: videostream try DIR\n\nTries.'], errors: [] }, argv.join(' '))
  }
  t.strictSame((await call(['try', '--', '--help'])).out, [], 'what stands behind -- is no option')
  t.strictSame(await call(['--version']), { exitCode: 0, out: [version], errors: [] })
})

t.test('each of the commands has a name, a line and a help of its own', async t => {
  t.equal(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length)
  for (const { name, summary, help } of COMMANDS) {
    t.match(name, /^[a-z]+$/)
    t.notMatch(summary, /\n/)
    t.ok(help.startsWith(`${name} `), name)
    for (const option of ['--data-dir', '--json', '--help']) t.ok(help.includes(option), `${name} ${option}`)
  }
})

t.test('a wrong call is one line that says what to do, and exit code 2', async t => {
  const parse: Command['run'] = async args => {
    parseCommand(command(async () => 0), args, {}, ['DIR'])
    return 0
  }
  const table: Array<[argv: string[], line: RegExp]> = [
    [[], /^videostream: a command is missing \(videostream --help lists them\)$/],
    [['tyr'], /^videostream: there is no command "tyr" \(/],
    [['try'], /^videostream: try: DIR is missing \(/],
    [['try', 'a', 'b'], /^videostream: try: "b" is one argument too many \(/],
    [['try', '--jsn'], /^videostream: try: Unknown option '--jsn' \(videostream try --help lists the options\)$/],
    [['try', 'a', '--data-dir'], /^videostream: try: Option '--data-dir <value>' argument missing \(/]
  ]
  for (const [argv, line] of table) {
    const { exitCode, out, errors } = await call(argv, parse)
    t.strictSame([exitCode, out, errors.length], [2, [], 1], argv.join(' '))
    t.match(errors[0], line)
  }
  t.equal((await call(['try', 'a', '--data-dir', 'b', '--json'], parse)).exitCode, 0)
})

t.test('what a command finds is its exit code', async t => {
  t.equal((await call(['try'], async () => 1)).exitCode, 1)
})

t.test('what cannot be done is exit code 3: one line where it is known what it means, else with its stack', async t => {
  const failures: Array<[error: Error, line: RegExp]> = [
    [new CommandError('it is away'), /^videostream: it is away$/],
    [new StartupError('it is locked'), /^videostream: it is locked$/],
    [Object.assign(new Error('EIO: broken'), { code: 'EIO', syscall: 'read' }), /^videostream: EIO: broken$/]
  ]
  for (const [error, line] of failures) {
    const { exitCode, errors } = await call(['try'], async () => { throw error })
    t.strictSame([exitCode, errors.length], [3, 1])
    t.match(errors[0], line)
  }
  const { exitCode, errors } = await call(['try'], async () => { throw new RangeError('odd') })
  t.equal(exitCode, 3)
  t.match(errors[0], /^videostream: RangeError: odd$/)
  t.ok(errors.length > 1)
})

t.test('a reader of its output that has gone changes nothing, and output that is lost is exit code 3', async t => {
  const deaf = async (...args: string[]) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    return { code, errors }
  }
  t.strictSame(await deaf('--help'), { code: 0, errors: '' })
  t.match(await deaf('nothing'), { code: 2, errors: /^videostream: there is no command/ })
  const full = openSync('/dev/full', 'w')
  t.match(spawnSync(process.execPath, [program, '--help'], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] }), { status: 3, stderr: /^videostream: the output cannot be written: .*ENOSPC.*\n$/ })
  closeSync(full)
})

t.test('it is a program and can be installed', async t => {
  const link = join(t.testdir({}), 'linked.js')
  symlinkSync(program, link)
  t.match(spawnSync(process.execPath, [link, '--version'], { encoding: 'utf8' }), { status: 0, stdout: `${version}\n`, stderr: '' })
  t.match(spawnSync(process.execPath, [program, 'nothing'], { encoding: 'utf8' }), { status: 2, stdout: '', stderr: /^videostream: there is no command "nothing".*\n$/ })
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> }
  t.equal(bin['videostream'], 'dist/cli/videostream.js')
  t.match(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  t.ok(existsSync('src/cli/videostream.ts'))
})
