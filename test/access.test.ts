import { request as httpRequest } from 'node:http'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { ROLES, type Role } from '../src/core/role.js'
import { ADMIN_PASSWORD, jpeg, PERSON_PASSWORD, startServer, tokenOf, upload } from './helper.js'

/**
 * Every endpoint times every role, from the OpenAPI document: what it says of who may do what must be so. And a few
 * lines that do not come from the document, so that a document that is wrong shows as well.
 */

type Requirement = Record<string, string[]>
interface Parameter { in: string, name: string, example?: unknown, schema: Schema }
interface Schema { $ref?: string, type?: string, examples?: unknown[], example?: unknown, properties?: Record<string, Schema>, required?: string[], enum?: unknown[], anyOf?: Schema[], const?: unknown, minProperties?: number }
interface Operation { operationId: string, security?: Requirement[], parameters?: Parameter[], requestBody?: { content: Record<string, { schema: Schema }> } }
interface Description { paths: Record<string, Record<string, Operation>>, components: { schemas: Record<string, Schema> } }

/** Who asks: nobody, somebody of a role, or a camera with its key. */
type Actor = 'nobody' | Role | 'camera'
const ACTORS: Actor[] = ['nobody', ...ROLES, 'camera']

/** The ways in. */
type Way = 'Session' | 'Basic' | 'Token'
const WAYS: Way[] = ['Session', 'Basic', 'Token']

/** What the server says, in short. */
type Verdict = 401 | 403 | 'not refused'

interface Row { readonly method: string, readonly path: string, readonly operation: Operation }

/** A value that fits a schema: its example, or the least that will do. */
function sample (description: Description, schema: Schema): unknown {
  if (schema.$ref !== undefined) return sample(description, description.components.schemas[schema.$ref.replace('#/components/schemas/', '')] ?? {})
  const [example = schema.example] = schema.examples ?? []
  if (example !== undefined) return example
  if (schema.const !== undefined || schema.enum !== undefined) return schema.const ?? schema.enum?.[0]
  if (schema.anyOf?.[0] !== undefined) return sample(description, schema.anyOf[0])
  switch (schema.type) {
    case 'object': return Object.fromEntries((schema.required ?? []).map(name => [name, sample(description, schema.properties?.[name] ?? {})]))
    case 'array': return []
    case 'integer':
    case 'number': return 1
    case 'boolean': return true
    default: return 'x'
  }
}

function rowsOf (description: Description): Row[] {
  return Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })))
}

/** What the document says of an actor who comes in a certain way. */
function expected (actor: Actor, way: Way, { security = [] }: Operation): Verdict {
  if (security.length === 0 || security.some(requirement => Object.keys(requirement).length === 0)) return 'not refused'
  if (actor === 'camera') return security.some(requirement => 'CameraPassword' in requirement) ? 'not refused' : 401
  if (actor === 'nobody') return 401
  const [least] = security.flatMap(requirement => requirement[way] ?? [])
  if (least === undefined) return 401
  return ROLES.indexOf(actor) >= ROLES.indexOf(least as Role) ? 'not refused' : 403
}

/** A server with a live picture, and what its people log in with. */
async function setUp (t: Test, viewerAccess: 'public' | 'private') {
  const { app, url } = await startServer(t, { VIEWER_ACCESS: viewerAccess, READ_RATE_LIMIT: '100000', UPLOAD_RATE_LIMIT: '100000', AUTH_FAILURE_LIMIT: '100000' })
  for (const role of ROLES) await tokenOf(app, role)
  await cameraKey(app, url)
  return { app, url, description: app.swagger() as unknown as Description }
}

/** The camera of the document's examples. */
const CAMERA_ID = 'rig-4-north'

const keys = new WeakMap<FastifyInstance, string>()

/** A key of the camera of the examples, made and switched on anew where a request has removed or changed it. */
async function cameraKey (app: FastifyInstance, url: string): Promise<string> {
  const headers = { Authorization: `Bearer ${await token(app, 'admin')}`, 'Content-Type': 'application/json' }
  const post = async (path: string, body: unknown, method = 'POST'): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return await response.json() as Record<string, unknown>
  }
  if (app.cameras.get(CAMERA_ID) === undefined) await post('/api/cameras', { camera_id: CAMERA_ID })
  await post(`/api/cameras/${CAMERA_ID}`, { enabled: true, source: null }, 'PATCH')
  const kept = keys.get(app)
  if (kept !== undefined && app.cameras.byKey(kept) !== undefined) return kept
  const { key } = await post(`/api/cameras/${CAMERA_ID}/keys`, {})
  keys.set(app, String(key))
  return String(key)
}

const tokens = new WeakMap<FastifyInstance, Map<Role, string>>()

/** The token of a user of this role, made anew where a request has revoked it: nobody may have very many. */
async function token (app: FastifyInstance, role: Role): Promise<string> {
  const kept = tokens.get(app) ?? new Map<Role, string>()
  tokens.set(app, kept)
  const known = kept.get(role)
  if (known !== undefined && app.people.login(known, 'token') !== undefined && app.people.find(role)?.role === role) return known
  const made = await tokenOf(app, role)
  kept.set(role, made)
  return made
}

/** Anew for each request, since some requests end sessions, and change or remove users. */
async function credentials (app: FastifyInstance, url: string, actor: Actor, way: Way): Promise<Record<string, string>> {
  if (actor === 'nobody') return {}
  if (actor === 'camera') return { 'X-Camera-Auth': await cameraKey(app, url) }
  if (way === 'Token') return { Authorization: `Bearer ${await token(app, actor)}` }
  const password = actor === 'admin' ? ADMIN_PASSWORD : PERSON_PASSWORD
  if (way === 'Basic') return { Authorization: `Basic ${Buffer.from(`${actor}:${password}`).toString('base64')}` }
  const { headers, status } = await fetch(`${url}/login`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username: actor, password })
  })
  if (status !== 200) throw new Error(`no login as ${actor}: ${status}`)
  return { Cookie: headers.getSetCookie().map(each => each.split(';')[0]).join('; ') }
}

/** Asks, and reads no more than the head: some answers never end. */
async function ask (url: string, description: Description, { method, path, operation }: Row, headers: Record<string, string>): Promise<number> {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = operation.parameters?.find(each => each.in === 'path' && each.name === name)
    return encodeURIComponent(String(parameter?.example ?? sample(description, parameter?.schema ?? {})))
  })
  const [mediaType, { schema } = { schema: {} }] = Object.entries(operation.requestBody?.content ?? {})[0] ?? []
  const body = mediaType === undefined ? undefined : mediaType === 'application/json' ? JSON.stringify(sample(description, schema)) : jpeg()
  return await new Promise((resolve, reject) => {
    const request = httpRequest(`${url}${filled}`, { method, agent: false, headers: { ...headers, ...(mediaType !== undefined && { 'Content-Type': mediaType }) } }, response => {
      resolve(response.statusCode ?? 0)
      request.destroy()
    })
    request.on('error', reject)
    if (body !== undefined) request.setHeader('Content-Length', Buffer.byteLength(body))
    request.end(body)
  })
}

const verdictOf = (status: number): Verdict => status === 401 || status === 403 ? status : 'not refused'

for (const viewerAccess of ['public', 'private'] as const) {
  t.test(`every endpoint times every role, with VIEWER_ACCESS=${viewerAccess}`, async t => {
    const { app, url, description } = await setUp(t, viewerAccess)
    const rows = rowsOf(description)
    t.ok(rows.length > 20)
    for (const [at, row] of rows.entries()) {
      for (const actor of ACTORS) {
        // Each way in with each role and endpoint would take long: they take turns, so that all of them come with each role.
        const way = WAYS[(at + ACTORS.indexOf(actor)) % WAYS.length] ?? 'Session'
        await upload(url)
        const status = await ask(url, description, row, await credentials(app, url, actor, way))
        t.equal(verdictOf(status), expectedOf(actor, way, row), `${row.method} ${row.path} as ${actor} (${way}): ${status}`)
        if (row.method === 'GET' && app.hasRoute({ method: 'HEAD', url: row.path.replace(/\{(\w+)\}/g, ':$1') })) {
          const head = await ask(url, description, { ...row, method: 'HEAD' }, await credentials(app, url, actor, way))
          t.equal(verdictOf(head), verdictOf(status), `HEAD ${row.path} as ${actor}: as GET`)
        }
      }
    }
  })
}

/** A login is answered 401 where name and password, here those of the example, are not right: that is no refusal of who asks. */
function expectedOf (actor: Actor, way: Way, { path, method, operation }: Row): Verdict {
  return `${method} ${path}` === 'POST /login' ? 401 : expected(actor, way, operation)
}

t.test('what must be so whatever the document says', async t => {
  const table: Array<[access: 'public' | 'private', actor: Actor, method: string, path: string, Verdict]> = [
    ...['/stream', '/api/frame', '/api/status', `/api/cameras/${CAMERA_ID}/stream`, '/api/cameras/default/frame', '/api/cameras/default/status', '/api/cameras/status', '/api/oil_spill_events', '/api/oil_spill_events/1', '/api/oil_spill_events/1/frame', '/api/detection_summary',
      '/documentation', '/documentation/json', '/documentation/yaml', '/documentation/static/swagger-ui.css'].flatMap((path): typeof table => [
      ['public', 'nobody', 'GET', path, 'not refused'],
      ['private', 'nobody', 'GET', path, 401],
      ['private', 'camera', 'GET', path, 401],
      ['private', 'viewer', 'GET', path, 'not refused']
    ]),
    ...['/', '/health', '/login'].flatMap((path): typeof table => [['public', 'nobody', 'GET', path, 'not refused'], ['private', 'nobody', 'GET', path, 'not refused']]),
    ...(['public', 'private'] as const).flatMap((access): typeof table => [
      [access, 'nobody', 'POST', `/api/cameras/${CAMERA_ID}/frames`, 401],
      [access, 'admin', 'POST', `/api/cameras/${CAMERA_ID}/frames`, 401],
      [access, 'camera', 'POST', `/api/cameras/${CAMERA_ID}/frames`, 'not refused'],
      [access, 'camera', 'POST', '/api/cameras/default/frames', 403],
      [access, 'camera', 'POST', '/api/cameras/default/stop_stream', 403],
      [access, 'camera', 'GET', '/api/cameras', 401],
      [access, 'nobody', 'GET', '/api/cameras', 401],
      [access, 'viewer', 'GET', '/api/cameras', 'not refused'],
      [access, 'operator', 'POST', '/api/cameras', 403],
      [access, 'operator', 'POST', `/api/cameras/${CAMERA_ID}/keys`, 403],
      [access, 'operator', 'DELETE', `/api/cameras/${CAMERA_ID}`, 403],
      [access, 'nobody', 'GET', '/api/users', 401],
      [access, 'camera', 'GET', '/api/users', 401],
      [access, 'viewer', 'GET', '/api/users', 403],
      [access, 'operator', 'GET', '/api/users', 403],
      [access, 'admin', 'GET', '/api/users', 'not refused'],
      [access, 'nobody', 'POST', '/api/users', 401],
      [access, 'viewer', 'POST', '/api/users', 403],
      [access, 'operator', 'DELETE', '/api/users/viewer', 403],
      [access, 'operator', 'PATCH', '/api/users/operator', 403],
      [access, 'nobody', 'GET', '/api/viewers', 401],
      [access, 'viewer', 'GET', '/api/viewers', 403],
      [access, 'operator', 'GET', '/api/viewers', 'not refused'],
      [access, 'camera', 'GET', '/api/viewers', 'not refused'],
      [access, 'viewer', 'POST', '/api/stop_stream', 403],
      [access, 'operator', 'POST', '/api/stop_stream', 'not refused'],
      [access, 'nobody', 'POST', '/api/upload_frame', 401],
      [access, 'admin', 'POST', '/api/upload_frame', 401],
      [access, 'nobody', 'GET', '/api/me', 401],
      [access, 'nobody', 'GET', '/api/tokens', 401]
    ])
  ]
  for (const access of ['public', 'private'] as const) {
    const { app, url, description } = await setUp(t, access)
    await upload(url, { spill: true })
    for (const [, actor, method, path, verdict] of table.filter(([each]) => each === access)) {
      const status = await ask(url, description, { method, path, operation: { operationId: '' } }, await credentials(app, url, actor, 'Token'))
      t.equal(verdictOf(status), verdict, `${access}: ${method} ${path} as ${actor}: ${status}`)
    }
  }
})

t.test('no path but these is open to nobody where VIEWER_ACCESS is private', async t => {
  const { description } = await setUp(t, 'private')
  const open = rowsOf(description).filter(({ operation }) => expected('nobody', 'Session', operation) === 'not refused')
  t.strictSame(open.map(({ method, path }) => `${method} ${path}`).sort(), ['GET /', 'GET /health', 'GET /login', 'POST /login', 'POST /logout'])
})
