import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { validate, ValidationSeverity } from 'dockerfile-utils'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { ConfigSchema, loadConfig } from '../src/config.js'

/** What of docker-compose.yml the tests look at. */
interface Service {
  user: string
  init: boolean
  read_only: boolean
  restart: string
  stop_grace_period: string
  cap_drop: string[]
  security_opt: string[]
  environment: Record<string, string | null>
  secrets: string[]
  volumes: string[]
  ports: string[]
  sysctls: Record<string, string>
  mem_limit: string
  cpu_quota: number
  pids_limit: number
  ulimits: { nofile: { soft: number } }
}

const read = (path: string): string => readFileSync(path, 'utf8')
const manifest: { engines: { node: string }, scripts: Record<string, string> } = JSON.parse(read('package.json'))
const dockerfile = read('Dockerfile')
const composeText = read('docker-compose.yml')
const compose: { services: Record<string, Service>, secrets: Record<string, { file: string }>, volumes: Record<string, unknown> } = parse(composeText)
const guide = read('docs/deployment.md')
const settings = Object.keys(ConfigSchema.properties)
/** The Dockerfile's instructions, continuation lines joined. */
const instructions = dockerfile.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '').split('\n').filter(line => line !== '')

/** The arguments of every instruction of that name. */
function argumentsOf (name: string): string[] {
  return instructions.filter(line => line.startsWith(`${name} `)).map(line => line.slice(name.length + 1))
}

/** What `ENV` sets in the image. */
const imageEnvironment: Record<string, string> = Object.fromEntries(argumentsOf('ENV').flatMap(line => line.split(/\s+/).map(pair => pair.split('='))))

function theService (): Service {
  const service = compose.services['videostream']
  if (service === undefined) throw new Error('docker-compose.yml has no service videostream')
  return service
}

/** Variables that Node itself or its libraries read. */
const NODES_OWN = ['NODE_ENV', 'UV_THREADPOOL_SIZE']

/** The first block of that language in docs/deployment.md. */
function snippet (language: string): string {
  const block = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(guide)?.[1]
  if (block === undefined) throw new Error(`docs/deployment.md has no ${language} block`)
  return block
}

function findProgram (name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}

/** Whether `npm run build`, which is tsc from src to dist, makes this file. */
function isBuilt (path: string): boolean {
  return /^dist\/.*\.js$/.test(path) && existsSync(path.replace(/^dist\//, 'src/').replace(/\.js$/, '.ts'))
}

function makeFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'videostream-deployment-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  return folder
}

/** A server on a free loopback port; its number. */
async function serve (t: Test, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return (server.address() as AddressInfo).port
}

t.test('the Dockerfile has nothing that a linter objects to', async t => {
  const error = ValidationSeverity.ERROR
  t.strictSame(validate(dockerfile, {
    deprecatedMaintainer: error,
    directiveCasing: error,
    emptyContinuationLine: error,
    instructionCasing: error,
    instructionCmdMultiple: error,
    instructionEntrypointMultiple: error,
    instructionHealthcheckMultiple: error,
    instructionJSONInSingleQuotes: error,
    instructionWorkdirRelative: error
  }), [])
})

t.test('everything that the Dockerfile copies exists, and reaches the builder', async t => {
  const stages = argumentsOf('FROM').flatMap(line => / AS (\S+)$/.exec(line)?.[1] ?? [])
  const admitted = read('.dockerignore').split('\n').filter(line => line.startsWith('!')).map(line => line.slice(1))
  t.match(read('.dockerignore'), /^\*$/m, 'all else is kept from it')
  const copies = argumentsOf('COPY')
  t.not(copies.length, 0)
  for (const copy of copies) {
    const words = copy.split(/\s+/)
    const from = words.find(word => word.startsWith('--from='))?.slice('--from='.length)
    const sources = words.filter(word => !word.startsWith('--')).slice(0, -1)
    if (from !== undefined) {
      t.ok(stages.includes(from), `${from} is a stage`)
      for (const source of sources) t.match(source, /^\/app\/(node_modules|dist)$/, `${source} is made in a stage`)
    } else {
      for (const source of sources) t.ok(existsSync(source) && admitted.includes(source), source)
    }
  }
})

t.test('every script and program that the Dockerfile runs exists', async t => {
  for (const [, script] of dockerfile.matchAll(/npm run (\S+)/g)) t.ok(manifest.scripts[script ?? ''], `npm run ${script}`)
  t.match(manifest.scripts['build'], /tsc -p tsconfig\.json$/, 'the build needs no more than tsconfig.json and src')
  const command: string[] = JSON.parse(argumentsOf('CMD')[0] ?? '[]')
  t.equal(command.join(' '), manifest.scripts['start'], 'as npm start, but without npm, which would swallow signals')
  t.ok(isBuilt(command.at(-1) ?? ''), `${command.at(-1)} is built`)
})

t.test('the base image is one Node that package.json allows, in every stage', async t => {
  const nodeVersion = argumentsOf('ARG').map(line => /^NODE_VERSION=(\d+)$/.exec(line)?.[1])[0]
  const floor = /^>=(\d+)\./.exec(manifest.engines.node)?.[1]
  t.ok(Number(nodeVersion) > Number(floor), `${nodeVersion} is above ${manifest.engines.node}`)
  const bases = argumentsOf('FROM').map(line => line.split(' ')[0]).filter(base => base !== 'deps')
  t.strictSame([...new Set(bases)], ['node:$' + '{NODE_VERSION}-bookworm-slim'])
})

t.test('the container is not root, changes nothing but its data, and cannot gain rights', async t => {
  const service = theService()
  t.match(argumentsOf('USER').at(-1), /^[1-9]\d*:[1-9]\d*$/)
  t.equal(service.user, argumentsOf('USER').at(-1))
  t.equal(service.read_only, true)
  t.strictSame(service.cap_drop, ['ALL'])
  t.strictSame(service.security_opt, ['no-new-privileges:true'])
  t.equal(service.init, true)
  t.equal(service.restart, 'unless-stopped')
  t.ok(parseInt(service.stop_grace_period) > 10, 'the server\'s own deadline of 10 s comes first')
})

t.test('the data folder is a named volume, and the published port the server\'s', async t => {
  const service = theService()
  t.equal(argumentsOf('VOLUME')[0], imageEnvironment['DATA_DIR'])
  for (const volume of service.volumes) {
    const [name, target] = volume.split(':')
    t.ok(name !== undefined && name in compose.volumes, `${name} is declared`)
    t.equal(target, imageEnvironment['DATA_DIR'])
  }
  t.equal(argumentsOf('EXPOSE')[0], imageEnvironment['PORT'])
  t.equal(service.ports[0]?.split(':').at(-1), imageEnvironment['PORT'])
})

t.test('the limits leave room for 500 viewers', async t => {
  const service = theService()
  t.ok(parseFloat(service.mem_limit) >= 1 && service.mem_limit.endsWith('g'), 'about 1 MB for each that stalls, and the server')
  t.ok(service.ulimits.nofile.soft >= 4 * 500)
  t.ok(service.pids_limit >= 64, 'threads count')
  t.ok(service.cpu_quota >= 100_000)
  t.strictSame(service.sysctls, { 'net.ipv4.tcp_notsent_lowat': '16384' })
})

t.test('every setting can be given to the container, and no other', async t => {
  const fixed = Object.keys(imageEnvironment).filter(name => !NODES_OWN.includes(name))
  const passedOn = Object.keys(theService().environment)
  t.strictSame([...fixed, ...passedOn, 'CAMERA_PASSWORD', 'ADMIN_PASSWORD'].sort(), [...settings].sort(), 'passwords come by file only')
  for (const [, name] of composeText.matchAll(/\$\{(\w+)/g)) t.ok(settings.includes(name ?? ''), String(name))
  for (const [name, value] of Object.entries(theService().environment)) {
    if (!name.endsWith('_PASSWORD_FILE')) t.equal(value, null, `${name} has its default in src/config.ts only`)
  }
})

t.test('passwords come by file, and a first run needs none', async t => {
  t.strictSame(theService().secrets, ['camera_password', 'admin_password'])
  for (const secret of theService().secrets) {
    const name = `${secret.toUpperCase()}_FILE`
    t.equal(theService().environment[name], `/run/secrets/${secret}`)
    const otherwise = /^\$\{(\w+):-(.+)\}$/.exec(compose.secrets[secret]?.file ?? '')
    t.match(otherwise, [String, name, '/dev/null'])
    const { cameraPassword, adminPassword } = loadConfig({ [name]: otherwise?.[2] })
    t.strictSame([cameraPassword, adminPassword], [undefined, undefined])
  }
})

const composeCommand = [['docker', 'compose'], ['docker-compose']]
  .find(([program = '', ...words]) => spawnSync(program, [...words, 'version']).status === 0)

t.test('docker compose accepts its file', { skip: composeCommand === undefined && 'neither docker compose nor docker-compose is installed' }, async t => {
  const [program = '', ...words] = composeCommand ?? []
  const { status, stderr } = spawnSync(program, [...words, 'config', '-q'], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
})

t.test('the health check tells a server that serves from one that does not', async t => {
  const [flags = '', json = ''] = (argumentsOf('HEALTHCHECK')[0] ?? '').split(/\s+CMD\s+/)
  t.match(flags, /--interval=\d+s --timeout=\d+s --start-period=\d+s --retries=\d+/)
  const [program, ...words]: string[] = JSON.parse(json)
  t.equal(program, 'node')
  const check = async (port: number): Promise<unknown> => {
    const child = spawn(process.execPath, words, { env: { PORT: String(port) }, stdio: 'inherit' })
    return (await once(child, 'exit'))[0]
  }
  let status = 200
  const port = await serve(t, (request, response) => { response.writeHead(request.url === '/' ? status : 404).end() })
  t.equal(await check(port), 0)
  status = 503
  t.equal(await check(port), 1)
  t.equal(await check(1), 1, 'nothing listens')
})

t.test('what docs/deployment.md names exists', async t => {
  const paths = new Set([
    ...[...guide.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => join('docs', link ?? '')),
    ...[...guide.matchAll(/(?<![\w./-])(?:dist|src|docs|test|deploy|bench)\/[\w./-]+\w/g)].map(([path]) => path),
    ...[...guide.matchAll(/(?<![\w./-])(?:Dockerfile|docker-compose[\w.-]*\.yml|[A-Z]+\.md)\b/g)].map(([path]) => path)
  ])
  t.ok(paths.has('docker-compose.yml') && paths.has('dist/server.js'))
  for (const path of paths) t.ok(existsSync(path) || isBuilt(path), path)
  for (const [, script] of guide.matchAll(/npm run ([\w:-]+)/g)) t.ok(manifest.scripts[script ?? ''], `npm run ${script}`)
  for (const [, secret] of guide.matchAll(/secrets\/(\w+)/g)) t.ok(theService().secrets.includes(secret ?? ''), String(secret))
  for (const [, service] of guide.matchAll(/docker compose (?:exec |cp )(\w+)/g)) t.ok((service ?? '') in compose.services, String(service))
})

t.test('every environment variable in docs/deployment.md exists', async t => {
  const others = [...NODES_OWN, 'NODE_VERSION', 'STORAGE_FULL']
  const named = new Set([...guide.matchAll(/(?:^|[\s`=])([A-Z][A-Z0-9_]{3,})(?==|`)/gm)].map(([, name]) => name ?? ''))
  t.ok(named.has('CAMERA_PASSWORD_FILE') && named.has('HOST'))
  for (const name of named) t.ok(settings.includes(name) || others.includes(name), name)
})

const nginx = findProgram('nginx')
const openssl = findProgram('openssl')
const missing = [nginx === undefined && 'nginx', openssl === undefined && 'openssl'].filter(Boolean).join(' and ')

t.test('nginx, set up as in docs/deployment.md', { skip: missing !== '' && `${missing} is not installed` }, async t => {
  const folder = makeFolder(t)
  let forwarded: IncomingMessage['headers'] = {}
  let received = 0
  let viewerLeft = (): void => {}
  const port = await serve(t, (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' }).write('--frame\r\n')
      response.on('close', () => { viewerLeft() })
      return
    }
    forwarded = request.headers
    request.on('data', (chunk: Buffer) => { received += chunk.length })
    request.on('end', () => { response.end() })
  })
  const [certificate, key, socket] = ['certificate.pem', 'key.pem', 'nginx.sock'].map(name => join(folder, name)) as [string, string, string]
  spawnSync(openssl ?? '', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=video.example.org', '-keyout', key, '-out', certificate])
  const site = snippet('nginx')
    .replace(/(ssl_certificate\s+)[^;]+/, `$1${certificate}`)
    .replace(/(ssl_certificate_key\s+)[^;]+/, `$1${key}`)
    .replace(/listen \[::\][^;]*;/g, '')
    .replace(/listen 80;/, `listen unix:${socket}.plain;`)
    .replace(/listen 443 ssl;/, `listen unix:${socket} ssl;`)
    .replace('127.0.0.1:5000', `127.0.0.1:${port}`)
  const configuration = join(folder, 'nginx.conf')
  writeFileSync(join(folder, 'site.conf'), site)
  mkdirSync(join(folder, 'temp'))
  writeFileSync(configuration, `
    daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr notice; ${process.getuid?.() === 0 ? 'user root;' : ''}
    events {}
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/temp/${name};`).join(' ')}
      include ${folder}/site.conf;
    }`)
  const tested = spawnSync(nginx ?? '', ['-t', '-p', folder, '-e', 'stderr', '-c', configuration], { encoding: 'utf8' })
  t.equal(tested.status, 0, tested.stderr)
  t.notMatch(tested.stderr, /\[(warn|error|emerg)\]/)
  t.equal(site.match(/unix:/g)?.length, 2, 'both servers were tried')
  if (tested.status !== 0) return

  const running = spawn(nginx ?? '', ['-p', folder, '-e', 'stderr', '-c', configuration], { stdio: ['ignore', 'ignore', 'pipe'] })
  const stopped = once(running, 'exit')
  t.teardown(async () => { running.kill('SIGTERM'); await stopped })
  for await (const chunk of running.stderr) if (String(chunk).includes('start worker process ')) break

  const send = (method: string, body?: Buffer): Promise<IncomingMessage> => new Promise((resolve, reject) => {
    request({ socketPath: socket, method, rejectUnauthorized: false, agent: false, headers: { 'x-forwarded-for': '192.0.2.1' } }, resolve)
      .on('error', reject).end(body)
  })

  await t.test('it hands on a stream as it comes, and lets go of a viewer that leaves', async t => {
    const left = new Promise<void>(resolve => { viewerLeft = resolve })
    const stream = await send('GET')
    const [first]: Buffer[] = await once(stream, 'data')
    t.equal(String(first), '--frame\r\n', 'while the server goes on')
    stream.on('error', () => {}).destroy()
    await left
  })

  await t.test('it takes a frame of MAX_FRAME_BYTES and does not believe its X-Forwarded-For', async t => {
    const size: number = ConfigSchema.properties.MAX_FRAME_BYTES.default
    const response = await send('POST', Buffer.alloc(size + 1))
    t.equal(response.statusCode, 200)
    t.equal(received, size + 1)
    t.equal(forwarded['x-forwarded-for'], 'unix:')
    t.equal(forwarded['x-forwarded-proto'], 'https')
  })
})

const systemdAnalyze = findProgram('systemd-analyze')

t.test('systemd accepts the unit in docs/deployment.md', { skip: systemdAnalyze === undefined && 'systemd-analyze is not installed' }, async t => {
  const unit = join(makeFolder(t), 'videostream.service')
  writeFileSync(unit, snippet('ini').replace('ExecStart=/usr/bin/node ', `ExecStart=${process.execPath} `))
  const { status, stderr } = spawnSync(systemdAnalyze ?? '', ['verify', '--man=no', '--recursive-errors=no', unit], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  t.equal(stderr, '')
})
