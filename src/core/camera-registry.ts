import { randomBytes } from 'node:crypto'
import { CAMERA_KEY_PREFIX, DEFAULT_CAMERA_ID, type CameraKey, type CameraSettings } from './camera.js'
import type { Clock } from './clock.js'
import type { LiveCamera } from './live-camera.js'
import { hashSecret, makeSecret } from './secret.js'

/**
 * Where cameras and their keys are kept for good. A promise that settles means: on disk. `by` says who did it, as the
 * ledger names them; the server where nothing is said.
 */
export interface CameraStore {
  insert (settings: CameraSettings, createdAtMs: number, by?: string): Promise<void>
  update (settings: CameraSettings, by?: string): Promise<void>
  /** Forgets a camera and its keys; one that has a history is only put away. Says whether it has. */
  remove (cameraId: string, atMs: number, by?: string): Promise<boolean>
  insertKey (key: CameraKey, by?: string): Promise<void>
  deleteKey (keyId: string, by?: string): Promise<void>
}

/** The cameras of this server and their keys, in memory: what every frame asks is answered without a look at the disk. */
export class CameraRegistry {
  readonly #store: CameraStore
  readonly #clock: Clock
  readonly #make: (settings: CameraSettings) => LiveCamera
  readonly #gone: (cameraId: string) => Error
  readonly #cameras = new Map<string, LiveCamera>()
  readonly #keys = new Map<string, CameraKey>()
  readonly #default: LiveCamera
  readonly #listeners: Array<(cameraId: string) => void> = []
  #adding = 0
  #turn: Promise<unknown> = Promise.resolve()

  /**
   * @param known the cameras of before the start, with `default` among them, and their keys
   * @param makes.camera makes a new camera
   * @param makes.gone makes the error for a camera that was removed meanwhile
   */
  constructor (
    store: CameraStore, clock: Clock, known: { cameras: readonly LiveCamera[], keys: readonly CameraKey[] },
    makes: { camera: (settings: CameraSettings) => LiveCamera, gone: (cameraId: string) => Error }
  ) {
    this.#store = store
    this.#clock = clock
    this.#make = makes.camera
    this.#gone = makes.gone
    for (const camera of known.cameras) this.#cameras.set(camera.id, camera)
    for (const key of known.keys) this.#keys.set(key.hash, key)
    const found = this.#cameras.get(DEFAULT_CAMERA_ID)
    if (found === undefined) throw new Error('there is no default camera')
    this.#default = found
  }

  /** Has this called after a camera was made, changed or removed, or one of its keys revoked. */
  onChange (listener: (cameraId: string) => void): void {
    this.#listeners.push(listener)
  }

  /** How many there are, those among them that are just being made. */
  get count (): number {
    return this.#cameras.size + this.#adding
  }

  /** The camera that the paths without a camera id mean. */
  get default (): LiveCamera {
    return this.#default
  }

  /** All of them, in the order in which they were made. */
  all (): IterableIterator<LiveCamera> {
    return this.#cameras.values()
  }

  /** The camera of this id, or undefined. */
  get (cameraId: string): LiveCamera | undefined {
    return this.#cameras.get(cameraId)
  }

  /** The camera that this key opens, or undefined. */
  byKey (secret: string): LiveCamera | undefined {
    if (!secret.startsWith(CAMERA_KEY_PREFIX)) return undefined
    const key = this.#keys.get(hashSecret(secret))
    return key === undefined ? undefined : this.#cameras.get(key.cameraId)
  }

  /** A camera's keys, the oldest first. */
  keysOf (cameraId: string): CameraKey[] {
    return [...this.#keys.values()].filter(key => key.cameraId === cameraId)
  }

  /** Makes a camera. Rejects with the store's error. */
  async add (settings: CameraSettings, by?: string): Promise<LiveCamera> {
    this.#adding += 1
    try {
      return await this.#inTurn(async () => {
        await this.#store.insert(settings, this.#clock.nowMs(), by)
        const camera = this.#make(settings)
        this.#cameras.set(camera.id, camera)
        this.#tell(camera.id)
        return camera
      })
    } finally {
      this.#adding -= 1
    }
  }

  /** Changes a camera's settings. Rejects with the store's error, and then nothing has changed. */
  async change (camera: LiveCamera, changes: Partial<Omit<CameraSettings, 'cameraId'>>, by?: string): Promise<void> {
    await this.#ofCamera(camera, async () => {
      const settings = { ...camera.settings, ...changes }
      await this.#store.update(settings, by)
      camera.change(settings)
      this.#tell(camera.id)
    })
  }

  /**
   * Removes a camera with its keys. Its history stays, if it has one; says whether it has. Rejects with the store's
   * error, and then the camera goes on.
   */
  async remove (camera: LiveCamera, by?: string): Promise<boolean> {
    return await this.#ofCamera(camera, async () => {
      // An event that opened after the removal would never end.
      await camera.suspend()
      let hasHistory: boolean
      try {
        hasHistory = await this.#store.remove(camera.id, this.#clock.nowMs(), by)
      } catch (error) {
        camera.resume()
        throw error
      }
      for (const key of this.keysOf(camera.id)) this.#keys.delete(key.hash)
      this.#cameras.delete(camera.id)
      const closed = camera.close()
      this.#tell(camera.id)
      await closed
      return hasHistory
    })
  }

  /** Makes one more key for a camera. The key itself is not kept. */
  async addKey (camera: LiveCamera, by?: string): Promise<{ key: CameraKey, secret: string }> {
    return await this.#ofCamera(camera, async () => {
      const { secret, hash } = makeSecret(CAMERA_KEY_PREFIX)
      const key: CameraKey = { keyId: randomBytes(8).toString('hex'), cameraId: camera.id, hash, createdAtMs: this.#clock.nowMs() }
      await this.#store.insertKey(key, by)
      this.#keys.set(hash, key)
      return { key, secret }
    })
  }

  /** Takes a key's rights, from this moment on. Says whether the camera had it. */
  async removeKey (camera: LiveCamera, keyId: string, by?: string): Promise<boolean> {
    return await this.#inTurn(async () => {
      const key = this.keysOf(camera.id).find(each => each.keyId === keyId)
      if (key === undefined) return false
      await this.#store.deleteKey(keyId, by)
      this.#keys.delete(key.hash)
      this.#tell(camera.id)
      return true
    })
  }

  /** As `inTurn`, unless the camera was removed meanwhile. */
  async #ofCamera<T> (camera: LiveCamera, task: () => Promise<T>): Promise<T> {
    return await this.#inTurn(async () => {
      if (this.#cameras.get(camera.id) !== camera) throw this.#gone(camera.id)
      return await task()
    })
  }

  /** Changes are made one after the other: each begins with what the one before it has left. */
  async #inTurn<T> (task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(task)
    this.#turn = turn.catch(() => {})
    return await turn
  }

  #tell (cameraId: string): void {
    for (const listener of this.#listeners) listener(cameraId)
  }
}
