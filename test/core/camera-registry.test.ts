import { createHash } from 'node:crypto'
import t from 'tap'
import type { CameraKey, CameraSettings } from '../../src/core/camera.js'
import { CameraRegistry, type CameraStore } from '../../src/core/camera-registry.js'
import type { LiveCamera } from '../../src/core/live-camera.js'
import { FakeClock, frame, newSettings } from '../helper.js'
import { answerOf, ForgetfulStore, makeCamera, SWITCHED_OFF } from './support.js'

/** What a database would hold. Each call takes a turn of the event loop, or as long as its gate is shut. */
class FakeStore implements CameraStore {
  readonly cameras = new Map<string, CameraSettings>()
  readonly keys = new Map<string, CameraKey>()
  readonly calls: string[] = []
  hasHistory = false
  failure: Error | undefined
  gate: Promise<void> = Promise.resolve()

  async insert (settings: CameraSettings): Promise<void> {
    await this.#turn(`insert ${settings.cameraId}`)
    this.cameras.set(settings.cameraId, settings)
  }

  async update (settings: CameraSettings): Promise<void> {
    await this.#turn(`update ${settings.cameraId}`)
    this.cameras.set(settings.cameraId, settings)
  }

  async remove (cameraId: string): Promise<boolean> {
    await this.#turn(`remove ${cameraId}`)
    this.cameras.delete(cameraId)
    for (const [keyId, key] of this.keys) if (key.cameraId === cameraId) this.keys.delete(keyId)
    return this.hasHistory
  }

  async insertKey (key: CameraKey): Promise<void> {
    await this.#turn(`insertKey ${key.cameraId}`)
    this.keys.set(key.keyId, key)
  }

  async deleteKey (keyId: string): Promise<void> {
    await this.#turn('deleteKey')
    this.keys.delete(keyId)
  }

  async #turn (call: string): Promise<void> {
    this.calls.push(call)
    await this.gate
    await new Promise(resolve => setImmediate(resolve))
    if (this.failure !== undefined) throw this.failure
  }
}

const FAILURE = new Error('the database is locked')
const GONE = new Error('the camera was removed')

function setUp (known: { keys?: CameraKey[] } = {}) {
  const clock = new FakeClock()
  const store = new FakeStore()
  const events = new ForgetfulStore()
  const make = (settings: CameraSettings): LiveCamera => makeCamera(clock, events, { settings }).camera
  const registry = new CameraRegistry(store, clock, { cameras: [make(newSettings('default')), make(newSettings('rig-4'))], keys: known.keys ?? [] }, { camera: make, gone: () => GONE })
  const told: string[] = []
  registry.onChange(cameraId => { told.push(cameraId) })
  return { clock, store, events, registry, told, rig: registry.get('rig-4') as LiveCamera }
}

t.test('cameras of before the start are known', async t => {
  const { registry, rig } = setUp()
  t.equal(registry.count, 2)
  t.equal(registry.default.id, 'default')
  t.equal(rig.id, 'rig-4')
  t.strictSame([...registry.all()].map(camera => camera.id), ['default', 'rig-4'])
  t.equal(registry.get('rig-5'), undefined)
})

t.test('there is no server without a default camera', async t => {
  const { store, clock } = setUp()
  t.throws(() => new CameraRegistry(store, clock, { cameras: [], keys: [] }, { camera: () => { throw new Error() }, gone: () => GONE }), { message: 'there is no default camera' })
})

t.test('a key is 256 random bits behind a prefix, and only its hash is kept', async t => {
  const { registry, rig, store, clock } = setUp()
  const { key, secret } = await registry.addKey(rig)
  t.match(secret, /^vsk_[\w-]{43}$/)
  t.strictSame(key, { keyId: key.keyId, cameraId: 'rig-4', hash: createHash('sha256').update(secret).digest('hex'), createdAtMs: clock.nowMs() })
  t.match(key.keyId, /^[0-9a-f]{16}$/)
  t.strictSame([...store.keys.values()], [key])
  t.notMatch(JSON.stringify([...store.keys.values(), registry.keysOf('rig-4')]), secret.slice(4))
})

t.test('a key opens its own camera and nothing else', async t => {
  const { registry, rig } = setUp()
  const { secret } = await registry.addKey(rig)
  const { secret: other } = await registry.addKey(registry.default)
  t.equal(registry.byKey(secret), rig)
  t.equal(registry.byKey(other), registry.default)
  for (const wrong of ['', 'vsk_', secret.slice(0, -1), `${secret}x`, secret.toLowerCase(), secret.slice(4), ` ${secret}`, `VSK_${secret.slice(4)}`, `vst_${secret.slice(4)}`]) {
    t.equal(registry.byKey(wrong), undefined, wrong)
  }
})

t.test('keys of before the start open their cameras', async t => {
  const { registry, rig } = setUp()
  const { key, secret } = await registry.addKey(rig)
  const again = setUp({ keys: [key, { ...key, keyId: 'of a camera that is gone', cameraId: 'gone', hash: createHash('sha256').update('vsk_gone').digest('hex') }] })
  t.equal(again.registry.byKey(secret), again.rig)
  t.equal(again.registry.byKey('vsk_gone'), undefined)
})

t.test('several keys may be live, so that they can be changed without a gap', async t => {
  const { registry, rig, told } = setUp()
  const old = await registry.addKey(rig)
  const next = await registry.addKey(rig)
  t.strictSame(registry.keysOf('rig-4'), [old.key, next.key])
  t.strictSame([registry.byKey(old.secret), registry.byKey(next.secret)], [rig, rig])
  t.strictSame(told, [], 'a key more changes nothing for the others')
  t.equal(await registry.removeKey(rig, old.key.keyId), true)
  t.strictSame([registry.byKey(old.secret), registry.byKey(next.secret)], [undefined, rig])
  t.strictSame(registry.keysOf('rig-4'), [next.key])
  t.strictSame(told, ['rig-4'])
})

t.test('a key can be revoked only as its own camera\'s', async t => {
  const { registry, rig } = setUp()
  const { key, secret } = await registry.addKey(rig)
  t.equal(await registry.removeKey(registry.default, key.keyId), false)
  t.equal(await registry.removeKey(rig, 'unknown'), false)
  t.equal(registry.byKey(secret), rig)
  t.equal(await registry.removeKey(rig, key.keyId), true)
  t.equal(await registry.removeKey(rig, key.keyId), false, 'and once')
})

t.test('a key that could not be stored opens nothing, and one that could not be deleted goes on', async t => {
  const { registry, rig, store } = setUp()
  const { key, secret } = await registry.addKey(rig)
  store.failure = FAILURE
  await t.rejects(registry.addKey(rig), FAILURE)
  t.strictSame(registry.keysOf('rig-4'), [key])
  await t.rejects(registry.removeKey(rig, key.keyId), FAILURE)
  t.equal(registry.byKey(secret), rig)
})

t.test('a camera is made', async t => {
  const { registry, store, told } = setUp()
  const camera = await registry.add(newSettings('rig-5', { name: 'Rig 5' }))
  t.equal(registry.get('rig-5'), camera)
  t.equal(camera.settings.name, 'Rig 5')
  t.equal(store.cameras.get('rig-5'), camera.settings)
  t.strictSame([...registry.all()].map(({ id }) => id), ['default', 'rig-4', 'rig-5'])
  t.strictSame(told, ['rig-5'])
  store.failure = FAILURE
  await t.rejects(registry.add(newSettings('rig-6')), FAILURE)
  t.equal(registry.get('rig-6'), undefined)
  t.equal(registry.count, 3)
})

t.test('cameras that are being made count, so that a limit holds', async t => {
  const { registry, store } = setUp()
  const made = registry.add(newSettings('rig-5'))
  t.equal(registry.count, 3)
  await made
  t.equal(registry.count, 3)
  store.failure = FAILURE
  const failed = registry.add(newSettings('rig-6'))
  t.equal(registry.count, 4)
  await t.rejects(failed)
  t.equal(registry.count, 3)
})

t.test('a camera is changed when that is stored', async t => {
  const { registry, rig, store, told } = setUp()
  await registry.change(rig, { name: 'Rig 4', enabled: false })
  t.match(rig.settings, { cameraId: 'rig-4', name: 'Rig 4', site: null, enabled: false })
  t.equal(rig.isOn, false)
  t.strictSame(store.cameras.get('rig-4'), rig.settings)
  t.strictSame(told, ['rig-4'])
  store.failure = FAILURE
  await t.rejects(registry.change(rig, { enabled: true }), FAILURE)
  t.equal(rig.isOn, false)
  t.equal(told.length, 1)
})

t.test('changes at once are made one after the other, and none undoes another', async t => {
  const { registry, rig, store } = setUp()
  await Promise.all([registry.change(rig, { name: 'Rig 4' }), registry.change(rig, { site: 'Tampen' }), registry.change(rig, { latitude: 61.2, name: 'Rig four' })])
  t.match(rig.settings, { name: 'Rig four', site: 'Tampen', latitude: 61.2 })
  t.strictSame(store.cameras.get('rig-4'), rig.settings)
  store.failure = FAILURE
  const failed = registry.change(rig, { name: 'lost' })
  await t.rejects(failed, FAILURE)
  store.failure = undefined
  await registry.change(rig, { heading: 90 })
  t.match(store.cameras.get('rig-4'), { name: 'Rig four', heading: 90 }, 'one that fails keeps none behind it up')
})

t.test('a camera is removed with its keys, and its viewers end', async t => {
  const { registry, rig, store, told, clock } = setUp()
  const { secret } = await registry.addKey(rig)
  void rig.take(frame(clock))
  store.hasHistory = true
  t.equal(await registry.remove(rig), true, 'it has a history')
  t.equal(registry.get('rig-4'), undefined)
  t.equal(registry.byKey(secret), undefined)
  t.strictSame(registry.keysOf('rig-4'), [])
  t.equal(store.keys.size, 0)
  t.equal(rig.liveStream.active, false)
  t.throws(() => rig.take(frame(clock)), SWITCHED_OFF)
  t.strictSame(told, ['rig-4'])
  store.hasHistory = false
  t.equal(await registry.remove(await registry.add(newSettings('rig-5'))), false)
})

t.test('a camera that is being removed takes no frame any more, and what it records is stored before', async t => {
  const { registry, rig, store, events, clock } = setUp()
  let store1 = (): void => {}
  events.gate = new Promise(resolve => { store1 = resolve })
  const opening = answerOf(rig.take(frame(clock, { spill: true })))
  const removing = registry.remove(rig)
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(store.calls, [], 'an event that opens after the removal would never end')
  t.throws(() => rig.take(frame(clock, { spill: true })), SWITCHED_OFF)
  store1()
  await Promise.all([opening, removing])
  t.strictSame(store.calls, ['remove rig-4'])
})

t.test('a camera that cannot be removed goes on as it was', async t => {
  const { registry, rig, store, told, clock } = setUp()
  const { secret } = await registry.addKey(rig)
  void rig.take(frame(clock))
  store.failure = FAILURE
  await t.rejects(registry.remove(rig), FAILURE)
  t.equal(registry.get('rig-4'), rig)
  t.equal(registry.byKey(secret), rig)
  t.equal(rig.liveStream.active, true)
  t.equal(rig.take(frame(clock)), undefined)
  t.strictSame(told, [])
})

t.test('a camera that was removed meanwhile is neither changed nor given a key', async t => {
  const { registry, rig, store } = setUp()
  const results = await Promise.allSettled([registry.remove(rig), registry.change(rig, { name: 'x' }), registry.addKey(rig), registry.remove(rig)])
  t.strictSame(results.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'rejected'])
  for (const result of results.slice(1)) t.match(result, { reason: GONE })
  t.strictSame(store.calls, ['remove rig-4'])
  t.equal(await registry.removeKey(rig, 'x'), false)
})
