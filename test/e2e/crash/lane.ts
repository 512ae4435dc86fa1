import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import { checkData } from '../../../src/store/data-check.js'
import { openForReading } from '../../../src/store/reading.js'
import { verifyHistory } from '../../../src/store/verify.js'
import { ADMIN_PASSWORD, PASSWORD } from '../../helper.js'
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

/** Nothing is measured in the server, nothing stands in the way of many frames, and clips are soon closed. */
const SETTINGS = { NODE_OPTIONS: '', UPLOAD_RATE_LIMIT: '1000000', READ_RATE_LIMIT: '1000000', PRE_EVENT_SECONDS: '1', POST_EVENT_SECONDS: '0' }

/** What a lane is started with. */
export interface LaneSettings {
  readonly gapSeconds: number
  readonly dataDir: string
  /** Of the server's process. */
  readonly environment?: Readonly<Record<string, string>>
}

/** One data folder with its cameras, whose server is killed again and again. */
export class CrashLane {
  readonly dataDir: string
  readonly cameras: UploadingCamera[] = []
  readonly #server: KillableServer
  readonly #random: Random
  readonly #check: DataCheck
  #sending: Promise<void> | undefined
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
  static async start (t: Test, seed: number, { dataDir, gapSeconds, environment = {} }: LaneSettings): Promise<CrashLane> {
    const server = await KillableServer.start(t, dataDir, { ...SETTINGS, EVENT_GAP_SECONDS: String(gapSeconds), ...environment })
    const lane = new CrashLane(server, dataDir, randomFrom(seed))
    const gapless = gapSeconds === 0
    const habits: CameraHabits[] = [{ cameraId: 'default', key: PASSWORD, stamps: false, gapless }]
    for (const cameraId of ['north', 'south', 'east']) {
      habits.push({ cameraId, key: await keyOf(server.port, cameraId), stamps: cameraId !== 'north', gapless })
    }
    for (const [index, each] of habits.entries()) lane.cameras.push(new UploadingCamera(each, randomFrom(seed + index + 1)))
    return lane
  }

  get port (): number {
    return this.#server.port
  }

  /** How many frames were sent, those again that were not acknowledged included. */
  get sent (): number {
    return this.cameras.reduce((sum, { sent }) => sum + sent, 0)
  }

  /** Has the cameras send from now on. */
  send (): void {
    this.#sending = Promise.all(this.cameras.map(async camera => { await camera.run(`http://127.0.0.1:${this.#server.port}`) }))
      .then(() => { this.#sending = undefined })
  }

  /** Waits until so many more frames have been sent. Throws where the server has ended by itself. */
  async sentMore (frames: number): Promise<void> {
    const enough = this.sent + frames
    while (this.sent < enough) {
      if (this.#sending === undefined) throw new Error('the server ended by itself')
      await setTimeout(1)
    }
  }

  /** Kills the server, amid whatever it does. */
  async kill (): Promise<void> {
    await this.#server.kill()
    await this.#sending
  }

  /** Starts the server again, which may be killed meanwhile some times. Resolves with all that is wrong then. */
  async restart (): Promise<string[]> {
    while (this.#random(KILLED_STARTS) === 0) await this.#killStart()
    const beganMs = performance.now()
    await this.#server.restart()
    this.#startMs = performance.now() - beganMs
    return this.#check.faults(this.cameras)
  }

  /** Has the cameras send, kills the server amid that, and starts it again. Resolves with all that is wrong then. */
  async round (): Promise<string[]> {
    this.send()
    await this.sentMore(this.#random(MAX_FRAMES))
    await setTimeout(this.#random(MAX_DELAY_MS))
    await this.kill()
    return await this.restart()
  }

  /** Everything once more, with fresh eyes, and with those of the commands `verify` and `check`. */
  async checkAll (): Promise<{ faults: string[], check: DataCheck }> {
    const check = new DataCheck(this.dataDir)
    const faults = check.faults(this.cameras)
    const database = openForReading(join(this.dataDir, 'videostream.db'))
    try {
      await verifyHistory(database, this.dataDir, { onFinding: ({ subject, problem }) => { faults.push(`verify: ${subject} ${problem}`) } })
      await checkData({ database, dataFolder: this.dataDir, isRunning: true, onFinding: finding => { faults.push(`check: ${JSON.stringify(finding)}`) } })
    } finally {
      database.close()
    }
    return { faults, check }
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
