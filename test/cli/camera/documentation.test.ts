import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseDetection } from '../../../src/cli/camera/detection.js'
import { createCommandDetector } from '../../../src/cli/camera/detector-command.js'
import { usage } from '../../../src/cli/camera/options.js'
import { needs, PYTHON } from '../../e2e/clients.js'
import { jpeg } from '../../helper.js'

const guide = readFileSync('docs/edge-agent.md', 'utf8')

/** The first block of that language. */
function block (language: string): string {
  const [, text] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(guide) ?? []
  if (text === undefined) throw new Error(`docs/edge-agent.md has no ${language} block`)
  return text
}

t.test('the detector written in Python finds dark water, and no more', needs('python3-opencv'), async t => {
  t.ok(block('python').trimEnd().split('\n').length <= 10)
  const program = join(t.testdir({}), 'detect.py')
  writeFileSync(program, block('python'))
  const detect = createCommandDetector({ command: `${PYTHON} ${program}`, timeoutMs: 60_000 })
  const { signal } = new AbortController()
  const dark = parseDetection(await detect(jpeg({ width: 64, height: 48, color: [5, 5, 5] }), signal))
  t.strictSame(dark, {
    spillDetected: true,
    details: { boxes: [{ x: 0, y: 0, width: 1, height: 1, label: 'dark water' }], modelVersion: 'dark-water-1' },
    complaints: []
  })
  const bright = parseDetection(await detect(jpeg({ width: 64, height: 48, color: [200, 200, 200] }), signal))
  t.match(bright, { spillDetected: false, details: { boxes: [] }, complaints: [] })
  await t.rejects(detect(Buffer.from('no picture'), signal), { message: /^exit code 1: / })
})

t.test('the example of what a detector says is well-formed', async t => {
  t.match(parseDetection(block('json')), { spillDetected: true, complaints: [], details: { confidence: 0.9, modelVersion: 'sea-7', boxes: [{ label: 'oil' }] } })
})

t.test('every option that is named exists', async t => {
  const programs = guide.replace(/^(npm|git|install|.*useradd).*$/gm, '').replace('npm prune --omit=dev', '')
  for (const [option] of programs.matchAll(/--[a-z][a-z-]+/g)) t.match(usage, option)
})

const systemd = spawnSync('systemd-analyze', ['--version']).error === undefined

t.test('systemd accepts the unit', { skip: !systemd && 'systemd-analyze is not installed' }, async t => {
  const unit = join(t.testdir({}), 'videostream-camera.service')
  writeFileSync(unit, block('ini').replace('/usr/bin/node ', `${process.execPath} `))
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', unit], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  t.equal(stderr, '')
})
