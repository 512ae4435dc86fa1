import t from 'tap'
import { parseOptions, usage } from '../../../src/cli/camera/options.js'

t.test('without arguments: ten frames a second to this machine', async t => {
  t.strictSame(parseOptions([]), {
    server: new URL('http://localhost:5000'), password: undefined, fps: 10, size: undefined, file: undefined, spill: false
  })
})

t.test('every option is read', async t => {
  const argv = '--server https://sea.example/watch --password p --fps 2.5 --size 640x360 --file clip.mp4 --spill'.split(' ')
  t.strictSame(parseOptions(argv), {
    server: new URL('https://sea.example/watch'), password: 'p', fps: 2.5, size: { width: 640, height: 360 }, file: 'clip.mp4', spill: true
  })
})

t.test('--help asks for help, which names every option', async t => {
  t.equal(parseOptions(['--help', '--fps', '3']), undefined)
  for (const name of ['server', 'password', 'fps', 'size', 'file', 'spill', 'help']) t.match(usage, `--${name}`)
})

t.test('a mistake is one line and exit code 2', async t => {
  const mistakes: Array<[argv: string[], message: RegExp]> = [
    [['--bogus'], /^Unknown option '--bogus' \(--help/],
    [['sea.jpg'], /^Unexpected argument 'sea.jpg'/],
    [['--password', '-x'], /^Option '--password' argument is ambiguous/],
    [['--server', 'localhost'], /^--server must be an address .* not "localhost"$/],
    [['--server', 'ftp://x'], /not "ftp:\/\/x"$/],
    [['--fps', '0'], /^--fps must be .* not "0"$/],
    [['--fps', '61'], /--fps/],
    [['--fps', 'many'], /--fps/],
    [['--size', '1280'], /^--size must be .* not "1280"$/],
    [['--size', '50x480'], /--size/],
    [['--size', '4000x480'], /--size/],
    [['--size', '640x40'], /--size/],
    [['--size', '640x2161'], /--size/],
    [['--spill'], /^--spill is for --file/]
  ]
  for (const [argv, message] of mistakes) {
    t.throws(() => parseOptions(argv), { name: 'CameraError', exitCode: 2, message }, argv.join(' '))
    try {
      parseOptions(argv)
    } catch (error) {
      t.notMatch((error as Error).message, '\n')
    }
  }
})
