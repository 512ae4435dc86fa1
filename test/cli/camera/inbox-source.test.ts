import { existsSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { CameraFrame } from '../../../src/cli/camera/frame.js'
import { createInboxSource } from '../../../src/cli/camera/inbox-source.js'
import { Report } from '../../../src/cli/camera/report.js'
import { jpeg, until } from '../../helper.js'

/** Watches a folder; `keep` leaves all frames untaken. */
function watchInbox (folder: string, { keep = false } = {}) {
  const stop = new AbortController()
  const frames: CameraFrame[] = []
  const lines: string[] = []
  const log = (line: string) => { lines.push(line) }
  const ended = createInboxSource({ folder, fps: 50, log, report: new Report(log) })(frame => {
    frames.push(frame)
    if (!keep) frame.done?.()
  }, stop.signal)
  return { stop, frames, lines, ended }
}

t.test('pictures are taken out oldest first, with their time and what is said of them', async t => {
  const folder = t.testdir({ 'note.txt': 'mine', '.hidden.jpg': jpeg(), 'b.json': '{"spill":true,"confidence":0.5}' })
  writeFileSync(join(folder, 'a.jpg'), jpeg())
  writeFileSync(join(folder, 'b.JPEG'), jpeg({ color: [1, 2, 3] }))
  utimesSync(join(folder, 'a.jpg'), 1000, 2000)
  utimesSync(join(folder, 'b.JPEG'), 1000, 1000.5)
  const { stop, frames, ended } = watchInbox(folder)
  await until(() => readdirSync(folder).length === 2)
  writeFileSync(join(folder, 'c.json'), '{"spill":false}')
  writeFileSync(join(folder, 'c.jpg.part'), jpeg())
  renameSync(join(folder, 'c.jpg.part'), join(folder, 'c.jpg'))
  await until(() => readdirSync(folder).length === 2)
  stop.abort()
  await ended
  t.strictSame(readdirSync(folder).sort(), ['.hidden.jpg', 'note.txt'])
  t.match(frames, [
    { jpeg: jpeg({ color: [1, 2, 3] }), capturedAtMs: 1_000_500, spillDetected: true, details: { confidence: 0.5 } },
    { jpeg: jpeg(), capturedAtMs: 2_000_000, spillDetected: false },
    { spillDetected: false }
  ])
})

t.test('a picture is handed on once, and stays until it is safe', async t => {
  const folder = t.testdir({ 'a.jpg': jpeg(), 'b.jpg': jpeg() })
  const { stop, frames, ended } = watchInbox(folder, { keep: true })
  await until(() => frames.length === 2)
  await new Promise(resolve => setTimeout(resolve, 60)) // three more looks
  t.equal(frames.length, 2)
  t.equal(readdirSync(folder).length, 2)
  frames[0]!.done!()
  await until(() => readdirSync(folder).length === 1)
  stop.abort()
  await ended
})

t.test('a picture that is still being written is waited for, one that never gets whole is left out', async t => {
  const folder = t.testdir({ 'bad.jpg': 'no picture' })
  const [whole, path] = [jpeg(), join(folder, 'a.jpg')]
  utimesSync(join(folder, 'bad.jpg'), 1000, 1000)
  writeFileSync(path, whole.subarray(0, 100))
  const { stop, frames, lines, ended } = watchInbox(folder)
  await until(() => lines.length === 1)
  t.match(lines, [/bad.jpg is no whole JPEG/])
  t.strictSame(frames, [])
  writeFileSync(path, whole)
  await until(() => frames.length === 1)
  t.ok(existsSync(join(folder, 'bad.jpg')))
  stop.abort()
  await ended
  t.equal(lines.length, 1)
})

t.test('words that make no sense are a failure of the detector', async t => {
  const folder = t.testdir({ 'a.jpg': jpeg(), 'a.json': 'oil!' })
  const { stop, frames, lines, ended } = watchInbox(folder)
  await until(() => frames.length === 1)
  t.equal(frames[0]!.spillDetected, undefined)
  t.match(lines, [/THE DETECTOR FAILS/])
  stop.abort()
  await ended
})

t.test('a folder that is not there is told', async t => {
  await t.rejects(watchInbox(join(t.testdir({}), 'none')).ended, { name: 'CameraError', message: /^--inbox: ENOENT/ })
})
