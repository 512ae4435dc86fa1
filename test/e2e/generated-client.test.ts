import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@hey-api/openapi-ts'
import t from 'tap'
import ts from 'typescript'
import { jpeg, PASSWORD, temporaryFolder } from '../helper.js'
import { run } from './clients.js'
import { startServerProcess } from './server-process.js'

/**
 * What somebody writes on top of the generated client. That it compiles shows that the types say what the API is; what
 * it prints shows that the API is what they say.
 */
const PROGRAM = `
import { readFileSync } from 'node:fs'
import { client } from './generated/client.gen.js'
import {
  getDetectionSummary, getFrame, getHome, getOilSpillEvent, getOilSpillEventFrame, getStatus, listOilSpillEvents, startStream, stopStream,
  uploadFrame
} from './generated/index.js'
import type { OilSpillEvent } from './generated/index.js'

const [, , baseUrl = '', password = '', path = ''] = process.argv
client.setConfig({ baseUrl, auth: () => password })

const text = await getHome({ headers: { Accept: 'text/plain' } })
const before = await getStatus()
const noFrame = await getFrame()
const jpeg = new Blob([readFileSync(path)], { type: 'image/jpeg' })
const uploaded = await uploadFrame({ body: jpeg, headers: { 'x-oil-spill-detected': 'true' } })
const refused = await uploadFrame({ body: jpeg, auth: () => 'wrong' })
const broken = await uploadFrame({ body: new Blob(['no JPEG']) })
const frame = await getFrame()
const status = await getStatus({ throwOnError: true })
const summary = await getDetectionSummary({ throwOnError: true })
const { data: events = [] } = await listOilSpillEvents()
const event: OilSpillEvent | undefined = events[0]
const id: number = event?.id ?? 0
const one = await getOilSpillEvent({ path: { id } })
const evidence = await getOilSpillEventFrame({ path: { id } })
const none = await getOilSpillEvent({ path: { id: 999 } })
const stopped = await stopStream({ body: { password } })
const started = await startStream({ body: { password } })
const notStopped = await stopStream({ body: { password: 'wrong' } })

const hex = async (blob: Blob | File | undefined): Promise<string> => Buffer.from(await blob!.arrayBuffer()).toString('hex')
const width: number | undefined = status.data.resolution?.width
const status200: 'Stream started' | undefined = started.data?.status
const message: string | undefined = none.error?.message
console.log(JSON.stringify({
  home: text.data,
  before: [before.data?.stream_active, before.data?.last_frame_time],
  noFrame: [noFrame.response?.status, noFrame.error?.code],
  uploaded: [uploaded.response?.status, uploaded.data],
  refused: [refused.response?.status, refused.error?.code],
  broken: [broken.response?.status, broken.error?.code],
  frame: await hex(frame.data),
  status: [status.data.stream_active, status.data.oil_spill_detected, status.data.oil_spill_events, width],
  summary: summary.data.current_status,
  events: events.map(each => [each.id, each.width, each.ended_at]),
  one: JSON.stringify(one.data) === JSON.stringify(event),
  evidence: await hex(evidence.data),
  none: [none.response?.status, none.error?.code, typeof message],
  stopped: stopped.data?.status,
  started: status200,
  notStopped: [notStopped.response?.status, notStopped.error?.code]
}))
`

/** Compiles a program as its author would, strictly; what the compiler has against it. */
function compile (path: string): string[] {
  const program = ts.createProgram([path], {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    typeRoots: [join(process.cwd(), 'node_modules/@types')],
    types: ['node'],
    skipLibCheck: true
  })
  const emitted = program.emit()
  return [...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics]
    .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
}

t.test('a client that a public generator makes from the server\'s own description compiles and works', async t => {
  const { url } = await startServerProcess(t)
  const folder = temporaryFolder(t)
  const frame = jpeg({ width: 64, height: 48 })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'frame.jpg'), frame)
  writeFileSync(join(folder, 'program.ts'), PROGRAM)

  await createClient({
    input: `${url}/documentation/json`,
    output: { path: join(folder, 'generated'), importFileExtension: '.js', tsConfigPath: null },
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
    logs: { level: 'silent' },
    interactive: false
  })
  t.strictSame(compile(join(folder, 'program.ts')), [])

  const { code, stdout, stderr } = await run(process.execPath, [join(folder, 'program.js'), url, PASSWORD, join(folder, 'frame.jpg')])
  t.equal(code, 0, stderr)
  t.strictSame(JSON.parse(stdout.toString()), {
    home: 'Video Streaming Server is running',
    before: [false, null],
    noFrame: [503, 'NO_FRAME'],
    uploaded: [200, 'Frame received'],
    refused: [401, 'PASSWORD_WRONG'],
    broken: [400, 'FRAME_INVALID'],
    frame: frame.toString('hex'),
    status: [true, true, 1, 64],
    summary: 'Alert: Oil spill detected',
    events: [[1, 64, null]],
    one: true,
    evidence: frame.toString('hex'),
    none: [404, 'EVENT_NOT_FOUND', 'string'],
    stopped: 'Stream stopped',
    started: 'Stream started',
    notStopped: [401, 'PASSWORD_WRONG']
  })
})
