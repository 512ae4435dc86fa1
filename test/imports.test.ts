import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import typescript from 'typescript'

/** Built-in modules that do no I/O. */
const PURE_BUILT_INS = /^node:(crypto|buffer|util|assert|events)$/

/** What is pure in core and routes may use too: what a request says is read and checked and what an answer says is written there. */
const CORE_FOR_ROUTES = /^core\/(event-filter|time-format|jpeg|mjpeg|frame|frame-memory|camera|byte-budget|source-url|role|user|review)\.ts$/

/** The table "Who may import whom" of DESIGN.md: a floor imports from itself and from the floors that are named. */
const FLOORS: Array<{ floor: RegExp, values: RegExp[], types?: RegExp[], packages?: RegExp }> = [
  { floor: /^(errors|log|version)\.ts$/, values: [], packages: /^(@fastify\/error|fastify|node:module)$/ },
  // It leaves the house in a bundle, alone.
  { floor: /^bundle-verifier\.ts$/, values: [], packages: /^node:.*$/ },
  { floor: /^config\.ts$/, values: [/^errors\.ts$/, /^outbound\/allow-list\.ts$/, /^core\/(camera|decimal|user)\.ts$/], packages: /^(@sinclair\/typebox(\/value)?|dotenv|node:(fs|net))$/ },
  { floor: /^schemas\//, values: [], packages: /^@sinclair\/typebox$/ },
  { floor: /^core\//, values: [], packages: PURE_BUILT_INS },
  { floor: /^store\//, values: [/^core\//, /^errors\.ts$/], packages: /^(node:.*|better-sqlite3|jpeg-js|yazl)$/ },
  { floor: /^outbound\//, values: [/^core\//, /^errors\.ts$/], packages: /^(node:.*|ipaddr\.js)$/ },
  { floor: /^sources\//, values: [/^core\//, /^errors\.ts$/, /^outbound\//], packages: /^node:.*$/ },
  // Only the description of the API needs the schemas that routes share.
  { floor: /^plugins\/openapi\.ts$/, values: [/^schemas\//, /^version\.ts$/] },
  // The ledger is told which version has started.
  { floor: /^plugins\/audit\.ts$/, values: [/^core\//, /^store\//, /^version\.ts$/] },
  { floor: /^plugins\//, values: [/^core\//, /^store\//, /^outbound\//, /^sources\//, /^errors\.ts$/], types: [/^config\.ts$/] },
  { floor: /^routes\//, values: [/^schemas\//, /^errors\.ts$/, /^version\.ts$/, CORE_FOR_ROUTES], types: [/^core\//, /^config\.ts$/], packages: /^(fastify|fresh|@fastify\/(accepts|formbody|type-provider-typebox)|@sinclair\/typebox|node:(crypto|http|stream))$/ },
  { floor: /^app\.ts$/, values: [/^plugins\//, /^routes\//, /^log\.ts$/, /^core\/clock\.ts$/], types: [/^config\.ts$/, /^store\//] },
  { floor: /^server\.ts$/, values: [/^(app|config|errors|version)\.ts$/, /^store\//] },
  // The simulated camera is a client: it knows where the settings are, and nothing else of the server.
  { floor: /^cli\/camera(\.ts|\/)/, values: [/^cli\/camera\//, /^config\.ts$/] },
  { floor: /^cli\//, values: [/^(app|config|errors|version)\.ts$/, /^store\//] }
]

interface Import { readonly from: string, readonly to: string, readonly typeOnly: boolean }

const root = join(process.cwd(), 'src')
const files = (readdirSync(root, { recursive: true }) as string[]).map(path => path.replaceAll('\\', '/')).filter(path => path.endsWith('.ts')).sort()

/** Everything that a file imports: from src as a path below it, from elsewhere as it is named. */
function importsOf (from: string, text: string): Import[] {
  const { statements } = typescript.createSourceFile(from, text, typescript.ScriptTarget.Latest)
  const typeOnly = new Map(statements.flatMap((statement): Array<[string, boolean]> =>
    typescript.isImportDeclaration(statement) && typescript.isStringLiteral(statement.moduleSpecifier)
      ? [[statement.moduleSpecifier.text, statement.importClause?.phaseModifier === typescript.SyntaxKind.TypeKeyword]]
      : []))
  return typescript.preProcessFile(text).importedFiles.map(({ fileName }) => ({
    from,
    to: fileName.startsWith('.') ? join(from, '..', fileName).replaceAll('\\', '/').replace(/\.js$/, '.ts') : fileName,
    // Dynamic imports and re-exports are of values.
    typeOnly: typeOnly.get(fileName) ?? false
  }))
}

/** Says what is wrong with an import; undefined where it is allowed. */
function breach ({ from, to, typeOnly }: Import): string | undefined {
  const rule = FLOORS.find(({ floor }) => floor.test(from))
  if (rule === undefined) return `${from} stands on no floor of DESIGN.md`
  const isOurs = to.endsWith('.ts')
  // A plugin finds another through its decorator; these are functions, not plugins.
  const isOtherPlugin = from.startsWith('plugins/') && to.startsWith('plugins/') && !/^plugins\/(rate-limits|refuse-body|endless-requests)\.ts$/.test(to)
  const allowed = isOurs
    ? !isOtherPlugin && [rule.floor, ...rule.values, ...(typeOnly ? rule.types ?? [] : [])].some(floor => floor.test(to))
    : typeOnly || (rule.packages?.test(to) ?? true)
  return allowed ? undefined : `${from} may not import ${typeOnly ? 'even types of ' : ''}${to}`
}

/** Whether floor rules hold for a file of this text. */
const breaches = (from: string, text: string): string[] => importsOf(from, text).map(breach).filter(each => each !== undefined)

t.test('every file imports only from its own floor and the floors under it', async t => {
  t.ok(files.length > 50)
  t.strictSame(files.flatMap(file => breaches(file, readFileSync(join(root, file), 'utf8'))), [])
})

t.test('only config.ts reads process.env', async t => {
  t.strictSame(files.filter(file => /process\.env|\benv\b.*'node:process'/.test(readFileSync(join(root, file), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, ''))), ['config.ts'])
})

t.test('a breach is found', async t => {
  const table: Array<[from: string, text: string]> = [
    ['core/a.ts', 'import { readFileSync } from \'node:fs\''],
    ['core/a.ts', 'import Fastify from \'fastify\''],
    ['core/a.ts', 'import { StartupError } from \'../errors.js\''],
    ['core/a.ts', 'const { openDatabase } = await import(\'../store/database.js\')'],
    ['core/a.ts', 'export { Jpeg } from \'../schemas/jpeg.js\''],
    ['store/a.ts', 'import type { FastifyInstance } from \'../app.js\''],
    ['store/a.ts', 'import Fastify from \'fastify\''],
    ['outbound/a.ts', 'import Fastify from \'fastify\''],
    ['outbound/a.ts', 'import { pullSource } from \'../sources/pull-source.js\''],
    ['sources/a.ts', 'import { openDatabase } from \'../store/database.js\''],
    ['schemas/a.ts', 'import { inspectJpeg } from \'../core/jpeg.js\''],
    ['plugins/a.ts', 'import { loadConfig } from \'../config.js\''],
    ['plugins/a.ts', 'import { Jpeg } from \'../schemas/jpeg.js\''],
    ['plugins/a.ts', 'import frames from \'./frame-buffer.js\''],
    ['plugins/a.ts', 'import home from \'../routes/home.js\''],
    ['routes/a.ts', 'import { openDatabase } from \'../store/database.js\''],
    ['routes/a.ts', 'import { LiveStream } from \'../core/live-stream.js\''],
    ['routes/a.ts', 'import frames from \'../plugins/frame-buffer.js\''],
    ['app.ts', 'import { openDatabase } from \'./store/database.js\''],
    ['cli/camera/a.ts', 'import { inspectJpeg } from \'../../core/jpeg.js\''],
    ['bundle-verifier.ts', 'import { canonicalJson } from \'./core/canonical-json.js\''],
    ['web/a.ts', 'import t from \'tap\'']
  ]
  for (const [from, text] of table) t.equal(breaches(from, text).length, 1, `${from}: ${text}`)
  const allowed: Array<[from: string, text: string]> = [
    ['core/a.ts', 'import { createHash } from \'node:crypto\'\nimport { decide } from \'./detection.js\''],
    ['plugins/a.ts', 'import type { Config } from \'../config.js\'\nimport fp from \'fastify-plugin\''],
    ['routes/a.ts', 'import type { LiveStream } from \'../core/live-stream.js\'\nimport { Jpeg } from \'../schemas/jpeg.js\'']
  ]
  for (const [from, text] of allowed) t.strictSame(breaches(from, text), [], from)
})
