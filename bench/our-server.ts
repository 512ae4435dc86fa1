import { cpSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { cameraId } from './camera-paths.js'
import { Child } from './children.js'
import { accepting, freePort } from './free-port.js'
import type { Ground } from './servers.js'

/** Our own server, as it is deployed, with as many cameras as a point wants. */

const PASSWORD = 'a-password-for-the-bench'
const ADMIN_PASSWORD = 'another-password-for-the-bench'

/** What the default camera sends along. */
export const OUR_UPLOAD_HEADERS = { 'X-Camera-Auth': PASSWORD }

/** What a person who logs in sends along. */
export const OUR_ADMIN_HEADERS = { Authorization: `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}` }

/** The whole program, with its checks, password and limits; only the limits' numbers are raised out of the way. */
const OUR_SETTINGS = {
  CAMERA_PASSWORD: PASSWORD,
  ADMIN_PASSWORD,
  UPLOAD_RATE_LIMIT: '1000000',
  READ_RATE_LIMIT: '10000000',
  MAX_VIEWERS: '5000',
  MAX_CAMERAS: '1000',
  LOG_LEVEL: 'warn',
  HOST: '127.0.0.1'
}

/** As in `npm start`. */
const OUR_FLAGS = ['--max-semi-space-size=4']

/** Cameras are set up over so many connections at a time. */
const SET_UP_TOGETHER = 8

/** Starts it in a folder of its own, so that no .env of the project counts. Its data are in there too, unless said otherwise. */
export function startOurs ({ ourProgram }: Ground, folder: string, port: number, dataFolder = join(folder, 'data'), environment: NodeJS.ProcessEnv = {}): Child {
  return new Child(`${OUR_FLAGS.join(' ')} ${ourProgram}`, process.execPath, [...OUR_FLAGS, ourProgram], {
    environment: { ...OUR_SETTINGS, PORT: String(port), DATA_DIR: dataFolder, ...environment }, folder
  })
}

interface Prepared { readonly folder: string, readonly keys: readonly string[] }

const prepared = new Map<string, Promise<Prepared>>()

/**
 * Puts a database with so many cameras into a folder, where `startOurs` finds it, and hands over their keys. They are set
 * up through the API, once for all runs, so that a server that is measured has only read them, as after any restart.
 */
export async function copyCameras (ground: Ground, count: number, folder: string): Promise<readonly string[]> {
  const name = `${ground.ourProgram} ${count}`
  let preparing = prepared.get(name)
  if (preparing === undefined) prepared.set(name, preparing = prepare(ground, count))
  const { folder: from, keys } = await preparing
  cpSync(join(from, 'data'), join(folder, 'data'), { recursive: true })
  return keys
}

async function prepare (ground: Ground, count: number): Promise<Prepared> {
  const folder = mkdtempSync(join(ground.scratch, 'cameras-'))
  const port = await freePort()
  const child = startOurs(ground, folder, port)
  try {
    await accepting(child, port)
    const keys = Array.from({ length: count }, () => '')
    let next = 0
    await Promise.all(Array.from({ length: SET_UP_TOGETHER }, async () => {
      for (let index = next++; index < count; index = next++) keys[index] = await setUp(port, cameraId(index))
    }))
    return { folder, keys }
  } finally {
    await child.end()
  }
}

const NewKey = Type.Object({ key: Type.String() })

/** Sets up a camera and makes a key for it. */
async function setUp (port: number, id: string): Promise<string> {
  await post(port, '/api/cameras', { camera_id: id, name: id }, Type.Object({}))
  return (await post(port, `/api/cameras/${id}/keys`, {}, NewKey)).key
}

async function post <Schema extends TSchema> (port: number, path: string, body: unknown, schema: Schema): Promise<Static<Schema>> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { ...OUR_ADMIN_HEADERS, 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`POST ${path} was answered ${answer.status}: ${text}`)
  return Value.Parse(schema, JSON.parse(text))
}
