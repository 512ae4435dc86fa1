import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import typescript from 'typescript'
import { LIVE_KINDS, LiveFeed, type LivePage } from '../../src/core/live-feed.js'

const setUp = () => {
  const reads: number[] = []
  const feed = new LiveFeed(5, 2, async (after): Promise<LivePage> => {
    reads.push(after)
    return { entries: [], through: after + 1 }
  })
  return { feed, reads }
}

t.test('it knows how far the ledger goes, and never less', async t => {
  const { feed } = setUp()
  t.equal(feed.newest, 5)
  t.notOk(feed.grow(5))
  t.notOk(feed.grow(4))
  t.ok(feed.grow(7))
  t.equal(feed.newest, 7)
})

t.test('clients that are equally far share one reading, and few are kept', async t => {
  const { feed, reads } = setUp()
  const pages = await Promise.all([feed.page(5), feed.page(5), feed.page(5)])
  t.equal(new Set(pages).size, 1)
  for (let after = 6; after < 20; after += 1) await feed.page(after)
  await feed.page(19)
  t.equal(reads.length, 15)
  await feed.page(5)
  t.equal(reads.length, 16, 'what is long ago is read again')
})

t.test('what could not be read is tried again', async t => {
  let fails = true
  const feed = new LiveFeed(5, 2, async after => {
    if (fails) throw new Error('busy')
    return { entries: [], through: after + 1 }
  })
  await t.rejects(feed.page(1), { message: 'busy' })
  fails = false
  t.strictSame(await feed.page(1), { entries: [], through: 2 })
})

t.test('how storing goes is news where it changes', async t => {
  const { feed } = setUp()
  t.notOk(feed.noteStorage({ ok: true, failures: 0, lastError: null }))
  t.equal(feed.storage, undefined)
  t.ok(feed.noteStorage({ ok: false, failures: 1, lastError: 'EIO' }))
  t.notOk(feed.noteStorage({ ok: false, failures: 1, lastError: 'EIO' }))
  t.ok(feed.noteStorage({ ok: true, failures: 1, lastError: 'EIO' }))
  t.match(feed.storage, { ok: true })
})

t.test('there is room for so many clients', async t => {
  const { feed } = setUp()
  const [first, second] = [1, 2].map(() => ({ wake () {}, beat () {}, finish () {}, cut () {} }))
  if (first === undefined || second === undefined) throw new Error('no clients')
  feed.join(first)
  t.ok(feed.hasRoom)
  feed.join(second)
  t.notOk(feed.hasRoom)
  feed.leave(first)
  t.ok(feed.hasRoom)
})

/** What nobody is told of, and why. */
const SILENT = new Map([
  ['event.adopted', 'happened before the server listens, when an older history is opened'],
  ['evidence.repaired', 'is done while no server runs, and is about no event']
])

/** The words for what happens to events, clips and evidence that stand in the sources of a folder as whole strings, without those in SQL. */
function actionsIn (folder: string): Set<string> {
  const found = new Set<string>()
  const look = (node: typescript.Node): void => {
    if (typescript.isStringLiteral(node) && /^(event|evidence|clip)\.[a-z_]+$/.test(node.text)) found.add(node.text)
    typescript.forEachChild(node, look)
  }
  for (const path of (readdirSync(folder, { recursive: true }) as string[]).filter(path => path.endsWith('.ts'))) {
    look(typescript.createSourceFile(path, readFileSync(join(folder, path), 'utf8'), typescript.ScriptTarget.Latest))
  }
  return found
}

t.test('whatever the ledger says of events, clips and evidence is told, or left out for a reason', async t => {
  const actions = actionsIn(join(process.cwd(), 'src/store'))
  actions.delete('event.id') // a column in SQL
  t.strictSame([...actions].filter(action => !LIVE_KINDS.has(action) && !SILENT.has(action)), [])
  const named = [...LIVE_KINDS.keys()].filter(action => !action.startsWith('camera.'))
  t.strictSame([...named, ...SILENT.keys()].filter(action => !actions.has(action)), [], 'and all that are named are written')
})
