import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { createRandom } from '../../src/cli/camera/random.js'
import { jpeg, PASSWORD, startServer, temporaryFolder } from '../helper.js'
import { serve } from '../http.js'
import { chaosLink } from './chaos-link.js'
import { KillableServer } from './killable-server.js'

const AGENT = fileURLToPath(new URL('../../src/cli/camera.js', import.meta.url))
const FAULTS = 100
const FPS = 10

interface Row { sha256: string, frame_sequence: number, taken_at_ms: number, event_id: number }

/** A detector that sees spills in seeded runs of some frames each, and remembers in which frames. */
async function seededDetector (t: Test, seed: number) {
  const next = createRandom(seed)
  const spills: string[] = []
  let isSpill = false
  let left = 0
  const url = await serve(t, (request, response) => {
    void buffer(request).then(jpeg => {
      if (left === 0) {
        isSpill = !isSpill
        left = 3 + Math.floor(next() * 20)
      }
      left -= 1
      if (isSpill) spills.push(createHash('sha256').update(jpeg).digest('hex'))
      response.end(JSON.stringify({ spill: isSpill, confidence: 0.75, boxes: [{ x: 0.25, y: 0.5, width: 0.25, height: 0.125 }], model_version: 'seeded 1' }))
    })
  })
  return { url, spills }
}

/** The camera program as a process of its own, with its messages. */
function startAgent (t: Test, args: string[]): { child: ChildProcess, log: () => string } {
  const child = spawn(process.execPath, [AGENT, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CAMERA_KEY: PASSWORD } })
  let log = ''
  for (const output of [child.stdout, child.stderr]) output.setEncoding('utf8').on('data', (text: string) => { log += text })
  t.teardown(() => { child.kill('SIGKILL') })
  return { child, log: () => log }
}

/** Looks every so often; some hundred uploads take their time. */
async function eventually (condition: () => boolean | Promise<boolean>, what: () => string, seconds: number): Promise<void> {
  const deadlineMs = performance.now() + seconds * 1000
  while (!await condition()) {
    if (performance.now() > deadlineMs) throw new Error(`${what()} within ${seconds} s`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

t.test('over a link that cuts, delays and duplicates, and with a server that is killed, every detection is in the history once, in capture order', async t => {
  const folder = temporaryFolder(t)
  const server = await KillableServer.start(t, join(folder, 'data'))
  const link = await chaosLink(t, { port: server.port, seed: 20260301, faultRate: 0.3 })
  const detector = await seededDetector(t, 4711)
  const agent = startAgent(t, ['--server', link.url, '--camera', 'default', '--fps', String(FPS), '--size', '160x120', '--spool', join(folder, 'spool'), '--detector-url', detector.url])
  const faults = (): number => Object.values(link.counts).reduce((sum, count) => sum + count, 0)

  for (const killAt of [FAULTS / 3, FAULTS * 2 / 3]) {
    await eventually(() => faults() >= killAt, () => `${killAt} faults, and there are ${faults()}:\n${agent.log()}`, 120)
    await server.kill()
    await new Promise(resolve => setTimeout(resolve, 1500)) // long enough for detections to pile up
    link.target.port = await server.restart()
  }
  await eventually(() => faults() >= FAULTS, () => `${FAULTS} faults, and there are ${faults()}:\n${agent.log()}`, 120)
  for (const [fault, count] of Object.entries(link.counts)) t.ok(count > 0, `${fault} came about`)
  link.heal()

  const database = new Database(join(folder, 'data', 'videostream.db'), { readonly: true })
  t.teardown(() => { database.close() })
  const detections = database.prepare<[], Row>('SELECT sha256, frame_sequence, taken_at_ms, event_id FROM detections ORDER BY taken_at_ms, frame_sequence')
  // What is said from now on may not have arrived when the camera is stopped.
  const said = [...detector.spills]
  const missing = (): string[] => {
    const kept = new Set(detections.all().map(row => row.sha256))
    return said.filter(sha256 => !kept.has(sha256))
  }
  await eventually(() => missing().length === 0, () => `${missing().length} of ${said.length} detections did not arrive:\n${agent.log()}`, 60)
  agent.child.kill('SIGTERM')
  await once(agent.child, 'exit')

  const rows = detections.all()
  const hashes = rows.map(row => row.sha256)
  t.ok(said.length > 100, `${said.length} detections`)
  t.equal(new Set(hashes).size, hashes.length, 'each is there once')
  t.strictSame(hashes.filter(sha256 => !detector.spills.includes(sha256)), [], 'and nothing else is')
  t.strictSame(hashes.slice(0, said.length), said, 'in the order in which the detector saw them')
  t.strictSame(rows.map(row => row.frame_sequence), rows.map(row => row.frame_sequence).sort((a, b) => a - b), 'which is that of their numbers')
  const spans = database.prepare<[], { started_at_ms: number, last_detected_at_ms: number, frames: number, first: number, last: number }>(`
    SELECT started_at_ms, last_detected_at_ms, count(*) AS frames, min(taken_at_ms) AS first, max(taken_at_ms) AS last
      FROM oil_spill_events JOIN detections ON event_id = oil_spill_events.id WHERE merged_into IS NULL
     GROUP BY oil_spill_events.id ORDER BY started_at_ms`).all()
  t.equal(spans.reduce((sum, span) => sum + span.frames, 0), rows.length, 'every detection belongs to an event that is listed')
  t.strictSame(spans.map(span => [span.first, span.last]), spans.map(span => [span.started_at_ms, span.last_detected_at_ms]), 'an event reaches from its first detection to its last')
  for (const [index, span] of spans.entries()) t.ok(span.started_at_ms > (spans[index - 1]?.last_detected_at_ms ?? 0), 'no two events overlap')
})

t.test('runs that were close to each other while the link was down are events of their own', async t => {
  const folder = temporaryFolder(t)
  const inbox = join(folder, 'inbox')
  mkdirSync(inbox)
  const startMs = Math.floor(Date.now() / 1000) * 1000 - 9000
  // A third of a second apart, with less than a second between the runs. The last one is still going on.
  const pictures = '..###.##..#.#.####.###'.split('').map((kind, at) => ({ name: String(at).padStart(3, '0'), isSpill: kind === '#', takenAtMs: startMs + at * 333 }))
  for (const [at, { name, isSpill, takenAtMs }] of pictures.entries()) {
    if (isSpill) writeFileSync(join(inbox, `${name}.json`), '{"spill": true}')
    writeFileSync(join(inbox, `${name}.jpg`), jpeg({ color: [at, 0, 0] }))
    utimesSync(join(inbox, `${name}.jpg`), takenAtMs / 1000, takenAtMs / 1000)
  }
  const { app, port } = await startServer(t)
  const link = await chaosLink(t, { port: 1, seed: 1, faultRate: 0 }) // nothing listens there
  const spool = join(folder, 'spool')
  const agent = startAgent(t, ['--server', link.url, '--camera', 'default', '--fps', '50', '--inbox', inbox, '--spool', spool])
  const waiting = (ending: string): number => readdirSync(spool).filter(name => name.endsWith(ending)).length
  const spills = pictures.filter(({ isSpill }) => isSpill).length
  await eventually(() => readdirSync(inbox).length === 0 && waiting('.frame') === spills, () => `the spool does not fill:\n${agent.log()}`, 20)
  t.equal(waiting('.clear'), 5, 'the first frame after each run that has ended')
  link.target.port = port
  await eventually(() => waiting('.frame') + waiting('.clear') === 0, () => `the spool does not empty:\n${agent.log()}`, 20)
  const events = await (await fetch(`http://127.0.0.1:${port}/api/oil_spill_events`)).json() as Array<{ datetime: string, merged_into: number | null }>
  const begins = pictures.filter(({ isSpill }, at) => isSpill && pictures[at - 1]?.isSpill !== true).map(({ takenAtMs }) => takenAtMs)
  t.strictSame(events.map(({ datetime }) => Date.parse(`${datetime}Z`)).sort((a, b) => a - b), begins)
  t.ok(app.cameras.default.recorder.openEventId, 'the last one is open')
})
