import t from 'tap'
import { parseOptions, usage } from '../../../src/cli/camera/options.js'

const defaults = {
  server: new URL('http://localhost:5000'),
  cameraId: undefined,
  password: undefined,
  fps: 10,
  size: undefined,
  file: undefined,
  inbox: undefined,
  spill: false,
  detectorCommand: undefined,
  detectorUrl: undefined,
  detectorTimeoutMs: 10_000,
  position: {},
  spool: undefined,
  spoolMaxBytes: 1024 ** 3
}

t.test('without arguments: ten frames a second to this machine', async t => {
  t.strictSame(parseOptions([]), defaults)
})

t.test('every option is read', async t => {
  const argv = '--server https://sea.example/watch --password p --fps 2.5 --size 640x360 --file clip.mp4 --spill'.split(' ')
  t.strictSame(parseOptions(argv), {
    ...defaults, server: new URL('https://sea.example/watch'), password: 'p', fps: 2.5, size: { width: 640, height: 360 }, file: 'clip.mp4', spill: true
  })
  const others = '--camera north-jetty --key k --inbox in --detector-command ./d --detector-timeout 0.5 --latitude=-59.5 --longitude 0 --heading 360 --spool s --spool-max-bytes 20m'
  t.strictSame(parseOptions(others.split(' ')), {
    ...defaults,
    cameraId: 'north-jetty',
    password: 'k',
    inbox: 'in',
    detectorCommand: './d',
    detectorTimeoutMs: 500,
    position: { latitude: -59.5, longitude: 0, heading: 360 },
    spool: 's',
    spoolMaxBytes: 20 * 1024 ** 2
  })
  t.strictSame(parseOptions(['--detector-url', 'http://d:1/x', '--spool-max-bytes', '12345678']), {
    ...defaults, detectorUrl: new URL('http://d:1/x'), spoolMaxBytes: 12_345_678
  })
})

t.test('--help asks for help, which names every option', async t => {
  t.equal(parseOptions(['--help', '--fps', '3']), undefined)
  for (const name of ['server', 'camera', 'key', 'password', 'fps', 'size', 'file', 'inbox', 'spill', 'detector-command', 'detector-url',
    'detector-timeout', 'latitude', 'longitude', 'heading', 'spool', 'spool-max-bytes', 'help']) t.match(usage, `--${name}`)
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
    [['--spill'], /^--spill is for --file/],
    [['--spill', '--inbox', 'x'], /^--spill is for --file/],
    [['--file', 'x', '--inbox', 'y'], /^--file and --inbox do not go together/],
    [['--key', 'x', '--password', 'y'], /^--key and --password do not/],
    [['--detector-url', 'http://x', '--detector-command', 'y'], /^--detector-command and --detector-url do not/],
    [['--detector-command', 'y', '--spill', '--file', 'x'], /^--detector-command and --spill do not/],
    [['--detector-command', ' '], /is empty/],
    [['--detector-url', 'x'], /^--detector-url must be an address/],
    [['--detector-timeout', '0'], /^--detector-timeout must be a number from 0.1 to 600/],
    [['--camera', 'North'], /^--camera must be .* not "North"$/],
    [['--camera', '-x'], /ambiguous/],
    [['--camera', 'x/../y'], /^--camera/],
    [['--latitude', '1'], /go together/],
    [['--longitude', '1'], /go together/],
    [['--latitude', '91', '--longitude', '1'], /^--latitude must be a number from -90 to 90/],
    [['--latitude', '9', '--longitude', ''], /^--longitude/],
    [['--heading', '361'], /^--heading/],
    [['--spool-max-bytes', '9M'], /^--spool-max-bytes must be .* at least 10M/],
    [['--spool-max-bytes', '1.5G'], /^--spool-max-bytes/],
    [['--spool-max-bytes', '9999999999999T'], /^--spool-max-bytes/]
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
