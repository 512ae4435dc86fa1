import { readFileSync } from 'node:fs'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import t from 'tap'
import { parse } from 'yaml'
import { startServer } from './helper.js'

interface Operation {
  operationId?: string
  tags?: string[]
  summary?: string
  security?: unknown[]
  requestBody?: { content: Record<string, unknown> }
  parameters?: Array<{ in: string, name: string, description?: string }>
  responses: Record<string, { description?: string, headers?: Record<string, unknown>, content?: Record<string, unknown> }>
}
interface Description { openapi: string, paths: Record<string, Record<string, Operation>> }

const written = readFileSync('openapi.yaml', 'utf8')
const description: Description = parse(written)

t.test('openapi.yaml is what the routes say; `npm run openapi` writes it anew', async t => {
  const { app } = await startServer(t)
  t.equal(written, app.swagger({ yaml: true }))
  const response = await app.inject('/documentation/json')
  t.same(response.json(), parse(written))
})

t.test('a linter passes it with its recommended rules', async t => {
  const config = await createConfig({ extends: ['recommended'] })
  t.same(await lintFromString({ source: written, config }), [])
  const broken = await lintFromString({ source: written.replace('operationId: getFrame', 'operationId: getStatus'), config })
  t.ok(broken.some(({ ruleId }) => ruleId === 'operation-operationId-unique'), 'and finds a mistake')
})

t.test('every operation has an id, tags, a summary, and every answer a description', async t => {
  t.equal(description.openapi, '3.1.0')
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method} ${path}`
      t.match(operation, { operationId: /^[a-z][A-Za-z]+$/, tags: [String], summary: String }, name)
      for (const [status, response] of Object.entries(operation.responses)) {
        t.ok(response.description !== 'Default Response' && response.description !== '', `${name} ${status} is described`)
        if (Number(status) >= 400) {
          t.match(response.content, { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }, `${name} ${status} is an Error`)
        }
        if (status === '429' || status === '503') t.ok(response.headers?.['Retry-After'], `${name} ${status} says when to try again`)
      }
      t.ok(Object.keys(operation.responses).some(status => status.startsWith('2')) && operation.responses['500'], `${name} has the answers that all have`)
      t.ok(operation.responses['429'] || path === '/health', `${name} is limited`)
    }
  }
})

t.test('every path of the original program is there', async t => {
  t.match(Object.fromEntries(Object.entries(description.paths).map(([path, operations]) => [path, Object.keys(operations)])), {
    '/': ['get'],
    '/stream': ['get'],
    '/api/frame': ['get'],
    '/api/status': ['get'],
    '/api/oil_spill_events': ['get'],
    '/api/detection_summary': ['get'],
    '/api/upload_frame': ['post'],
    '/api/start_stream': ['post'],
    '/api/stop_stream': ['post']
  })
})

t.test('an upload has its password, its headers and a binary body', async t => {
  for (const path of ['/api/upload_frame', '/api/cameras/{camera_id}/frames']) {
    const upload = description.paths[path]?.['post']
    t.same(upload?.security, [{ CameraPassword: [] }])
    t.same(upload?.parameters?.filter(parameter => parameter.in === 'header').map(({ name }) => name), [
      'x-oil-spill-detected', 'x-camera-id', 'x-capture-timestamp', 'x-frame-sequence', 'idempotency-key', 'x-detection-confidence', 'x-detection-boxes',
      'x-model-version', 'x-latitude', 'x-longitude', 'x-heading'
    ])
    t.match(upload?.requestBody?.content, { 'image/jpeg': { schema: { format: 'binary' } } })
    t.same(Object.keys(upload?.responses ?? {}), ['200', '400', '401', '403', '408', '409', '413', '422', '429', '500', '503', '507'])
  }
})

t.test('without a camera the summary is of all, and everything else of the default one', async t => {
  const said = (path: string): string | undefined => description.paths[path]?.['get']?.parameters?.find(({ name }) => name === 'camera')?.description
  t.match(said('/api/detection_summary'), 'all cameras where it is left out')
  for (const path of ['/stream', '/api/frame', '/api/status']) t.match(said(path), '`default` where it is left out', path)
})

t.test('frames have their headers', async t => {
  for (const path of ['/api/frame', '/api/cameras/{camera_id}/frame', '/api/oil_spill_events/{id}/frame']) {
    t.match(description.paths[path]?.['get']?.responses['200']?.headers, { ETag: {}, 'Last-Modified': {}, 'X-Timestamp': {} }, path)
  }
})
