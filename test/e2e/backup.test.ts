import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ADMIN_PASSWORD, jpeg, temporaryFolder, until } from '../helper.js'
import { KillableServer } from './killable-server.js'

const PROGRAM = fileURLToPath(new URL('../../src/cli/videostream.js', import.meta.url))
const CAMERAS = ['north', 'south', 'drone']

interface Answer { readonly copied: number, readonly unchanged: number, readonly total: number }

/** An event that a camera was told is stored. */
interface Acknowledged { readonly cameraId: string, readonly sha256: string }

/** Runs the command as an operator does, from another folder. */
async function videostream (args: readonly string[]): Promise<{ code: number, stdout: string, stderr: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}

async function backUp (dataDir: string, folder: string): Promise<Answer> {
  const { code, stdout, stderr } = await videostream(['backup', folder, '--data-dir', dataDir, '--json'])
  if (code !== 0) throw new Error(`the backup ended with ${code}: ${stdout}${stderr}`)
  return (JSON.parse(stdout) as { files: Answer }).files
}

/** Cameras that open and end events as fast as they can, each with frames of its own. */
class Fleet {
  readonly acknowledged: Acknowledged[] = []
  readonly #running: Array<Promise<void>>
  #isStopped = false

  constructor (port: number, keys: ReadonlyMap<string, string>) {
    this.#running = [...keys].map(async ([cameraId, key], nth) => {
      for (let i = 0; !this.#isStopped; i += 1) {
        // A JPEG may have anything behind its end marker; that makes each one another one, and large enough to take its time.
        const frame = Buffer.concat([jpeg({ color: [nth * 40, 90, 60] }), Buffer.alloc(20_000, `${cameraId} ${i} `)])
        await this.#upload(port, cameraId, key, frame, true)
        this.acknowledged.push({ cameraId, sha256: createHash('sha256').update(frame).digest('hex') })
        await this.#upload(port, cameraId, key, jpeg(), false)
      }
    })
    for (const each of this.#running) each.catch(() => {}) // `stop` tells of it
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#running)
  }

  async #upload (port: number, cameraId: string, key: string, body: Buffer, spill: boolean): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${port}/api/cameras/${cameraId}/frames`, {
      method: 'POST', headers: { 'X-Camera-Auth': key, 'X-Oil-Spill-Detected': String(spill) }, body: new Uint8Array(body)
    })
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  }
}

async function addCameras (port: number): Promise<Map<string, string>> {
  const headers = { authorization: `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`, 'content-type': 'application/json' }
  const keys = new Map<string, string>()
  for (const cameraId of CAMERAS) {
    await fetch(`http://127.0.0.1:${port}/api/cameras`, { method: 'POST', headers, body: JSON.stringify({ camera_id: cameraId }) })
    const response = await fetch(`http://127.0.0.1:${port}/api/cameras/${cameraId}/keys`, { method: 'POST', headers: { authorization: headers.authorization } })
    const { key } = await response.json() as { key: string }
    keys.set(cameraId, key)
  }
  return keys
}

/** What a server has of each event: its camera, and the hash of the frame that it hands out. */
async function eventsOf (port: number): Promise<Set<string>> {
  const events = await (await fetch(`http://127.0.0.1:${port}/api/oil_spill_events`)).json() as Array<{ id: number }>
  const found = new Set<string>()
  for (const { id } of events) {
    const response = await fetch(`http://127.0.0.1:${port}/api/oil_spill_events/${id}/frame`)
    if (response.status !== 200) throw new Error(`event ${id}: ${response.status} ${await response.text()}`)
    found.add(createHash('sha256').update(Buffer.from(await response.arrayBuffer())).digest('hex'))
  }
  return found
}

/** What each event of a fleet has: its opening frame, and a clip that does not grow, since nothing of the time after it is kept. */
const FILES_OF_EVENT = 2

async function startFleet (t: Test): Promise<{ server: KillableServer, fleet: Fleet, dataDir: string }> {
  const dataDir = join(temporaryFolder(t), 'data')
  const server = await KillableServer.start(t, dataDir, { UPLOAD_RATE_LIMIT: '1000', READ_RATE_LIMIT: '100000', POST_EVENT_SECONDS: '0' })
  const fleet = new Fleet(server.port, await addCameras(server.port))
  t.teardown(async () => { await fleet.stop().catch(() => {}) })
  return { server, fleet, dataDir }
}

t.test('a backup that is made while cameras upload has every event that was acknowledged before, and a server starts with it', async t => {
  const { server, fleet, dataDir } = await startFleet(t)
  const folder = join(temporaryFolder(t), 'backup')
  await until(() => fleet.acknowledged.length >= 10, 'some events')
  const before = [...fleet.acknowledged]
  const first = await backUp(dataDir, folder)
  t.ok(first.total >= FILES_OF_EVENT * before.length)
  t.strictSame([first.copied, first.unchanged], [first.total, 0])
  await until(() => FILES_OF_EVENT * fleet.acknowledged.length > first.total, 'more events')

  const between = [...fleet.acknowledged]
  const second = await backUp(dataDir, folder)
  t.ok(second.total >= FILES_OF_EVENT * between.length)
  t.strictSame([second.copied, second.unchanged], [second.total - first.total, first.total], 'only what is new')
  await fleet.stop()
  await server.kill()

  const restored = join(temporaryFolder(t), 'restored')
  const { code, stdout } = await videostream(['restore', folder, '--data-dir', restored])
  t.equal(code, 0)
  t.match(stdout, new RegExp(`^restored ${second.total / FILES_OF_EVENT} events with ${second.total} files `))
  const again = await KillableServer.start(t, restored, { READ_RATE_LIMIT: '100000' })
  const found = await eventsOf(again.port)
  t.equal(found.size, second.total / FILES_OF_EVENT)
  t.strictSame(between.filter(({ sha256 }) => !found.has(sha256)), [], 'each with its own bytes')
  t.notOk(existsSync(join(restored, 'unclaimed_frames')), 'and no file more')
})

t.test('backups that are killed at any moment leave the last good one, and the next goes on', async t => {
  const { fleet, dataDir } = await startFleet(t)
  const folder = join(temporaryFolder(t), 'backup')
  await until(() => fleet.acknowledged.length >= 10, 'some events')
  const first = await backUp(dataDir, folder)
  const known = new Set(readdirSync(folder))
  for (const step of ['.parts', /^history-/, /^files-/, /^backup\.json/]) {
    const child = spawn(process.execPath, [PROGRAM, 'backup', folder, '--data-dir', dataDir], { stdio: 'ignore' })
    const exited = once(child, 'exit')
    const watcher = watch(folder, (_event, name) => {
      if (name !== null && (typeof step === 'string' ? step === name : step.test(name) && (name.startsWith('backup') || !known.has(name)))) child.kill('SIGKILL')
    })
    const [, signal] = await exited
    watcher.close()
    t.equal(signal, 'SIGKILL', String(step))
    for (const name of readdirSync(folder)) known.add(name)
    const { code, stdout } = await videostream(['restore', folder, '--dry-run', '--data-dir', 'none', '--json'])
    t.equal(code, 0, stdout)
    t.ok((JSON.parse(stdout) as { files: { good: number } }).files.good >= first.total)
  }
  await fleet.stop()
  const last = await backUp(dataDir, folder)
  t.equal(last.total, FILES_OF_EVENT * fleet.acknowledged.length)
  t.notOk(readdirSync(folder).includes('.parts'))
})

t.test('a flipped byte in a backup is named, and exit code 1', async t => {
  const { fleet, dataDir } = await startFleet(t)
  const folder = join(temporaryFolder(t), 'backup')
  await until(() => fleet.acknowledged.length >= 3, 'some events')
  await fleet.stop()
  await backUp(dataDir, folder)
  const name = readdirSync(join(folder, 'oil_spill_frames'))[1]!
  const bytes = readFileSync(join(folder, 'oil_spill_frames', name))
  bytes[1000] = bytes[1000]! ^ 0x10
  writeFileSync(join(folder, 'oil_spill_frames', name), bytes)
  const restored = join(temporaryFolder(t), 'restored')
  const { code, stdout } = await videostream(['restore', folder, '--data-dir', restored])
  t.equal(code, 1)
  t.match(stdout, `altered: oil_spill_frames/${name} is not as it was backed up\nnothing was restored`)
  t.notOk(existsSync(join(restored, 'videostream.db')))
})

t.test('what cannot be done is one line', async t => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'empty'))
  const table: Array<[args: string[], code: number, stderr: RegExp]> = [
    [['backup', folder, '--data-dir', join(folder, 'empty')], 2, /^videostream: there is no history in .*: name the server's data folder with --data-dir or DATA_DIR\n$/],
    [['restore', join(folder, 'empty'), '--data-dir', join(folder, 'data')], 3, /^videostream: there is no backup in .*\n$/],
    [['backup'], 2, /^videostream: backup: DIR is missing \(videostream backup --help explains it\)\n$/]
  ]
  for (const [args, code, stderr] of table) {
    const result = await videostream(args)
    t.match(result, { code, stdout: '', stderr }, args.join(' '))
  }
})
