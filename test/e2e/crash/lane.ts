import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { ADMIN_PASSWORD, PASSWORD, temporaryFolder } from '../../helper.js'
import { randomFrom, type Random } from '../../random.js'
import { KillableServer } from '../killable-server.js'
import { DataCheck } from './data-check.js'
import { UploadingCamera, type CameraHabits } from './uploading-camera.js'

/** The server is killed when so many frames at most have been sent, so that it does not matter how fast the machine is. */
const MAX_FRAMES = 60

/** And so much later at most, amid whatever it does then. */
const MAX_DELAY_MS = 12

/** Of so many starts one is killed before it is over. */
const KILLED_STARTS = 6

/** Nothing is measured in the server but what it does, and nothing stands in the way of many frames. */
const SETTINGS = { NODE_OPTIONS: '', UPLOAD_RATE_LIMIT: '1000000', READ_RATE_LIMIT: '1000000' }

/** One data folder with its cameras, whose server is killed again and again. */
export class CrashLane {
  readonly dataDir: string
  readonly cameras: UploadingCamera[] = []
  readonly #server: KillableServer
  readonly #random: Random
  readonly #check: DataCheck
  #startMs = 0
  /** Starts that were killed before they were over. */
  killedStarts = 0

  private constructor (server: KillableServer, dataDir: string, random: Random) {
    this.#server = server
    this.dataDir = dataDir
    this.#random = random
    this.#check = new DataCheck(dataDir)
  }

  /** Starts a server over a new folder and sets up its cameras: the default one, and some with keys of their own. */
  static async start (t: Test, seed: number, settings: { readonly gapSeconds: number }): Promise<CrashLane> {
    const dataDir = join(temporaryFolder(t), 'data')
    const server = await KillableServer.start(t, dataDir, { ...SETTINGS, EVENT_GAP_SECONDS: String(settings.gapSeconds) })
    const lane = new CrashLane(server, dataDir, randomFrom(seed))
    const gapless = settings.gapSeconds === 0
    const habits: CameraHabits[] = [{ cameraId: 'default', key: PASSWORD, stamps: false, gapless }]
    for (const cameraId of ['north', 'south', 'east']) {
      habits.push({ cameraId, key: await keyOf(server.port, cameraId), stamps: cameraId !== 'north', gapless })
    }
    for (const [index, each] of habits.entries()) lane.cameras.push(new UploadingCamera(each, randomFrom(seed + index + 1)))
    return lane
  }

  /** How many frames were sent. */
  get sent (): number {
    return this.cameras.reduce((sum, { journal }) => sum + journal.length, 0)
  }

  /** Has the cameras send, kills the server amid that, and starts it again. Resolves with all that is wrong then. */
  async round (): Promise<string[]> {
    let isOver = false
    const running = Promise.all(this.cameras.map(async camera => { await camera.run(`http://127.0.0.1:${this.#server.port}`) })).then(() => { isOver = true })
    const enough = this.sent + this.#random(MAX_FRAMES)
    while (this.sent < enough && !isOver) await setTimeout(1)
    await setTimeout(this.#random(MAX_DELAY_MS))
    if (isOver) return ['the server ended by itself']
    await this.#server.kill()
    await running
    while (this.#random(KILLED_STARTS) === 0) await this.#killStart()
    const beganMs = performance.now()
    await this.#server.restart()
    this.#startMs = performance.now() - beganMs
    return this.#check.faults(this.cameras)
  }

  /** Everything once more, with fresh eyes. */
  checkAll (): { faults: string[], check: DataCheck } {
    const check = new DataCheck(this.dataDir)
    return { faults: check.faults(this.cameras), check }
  }

  async #killStart (): Promise<void> {
    this.killedStarts += 1
    const starting = this.#server.restart().catch(() => {})
    await setTimeout(this.#random(Math.ceil(this.#startMs) + 1))
    await this.#server.kill()
    await starting
  }
}

/** Sets up a camera through the API. Resolves with its key. */
async function keyOf (port: number, cameraId: string): Promise<string> {
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    if (!answer.ok) throw new Error(`POST ${path} was answered ${answer.status}: ${await answer.text()}`)
    return await answer.json()
  }
  await post('/api/cameras', { camera_id: cameraId, name: cameraId })
  const { key } = await post(`/api/cameras/${cameraId}/keys`, {}) as { key: string }
  return key
}
