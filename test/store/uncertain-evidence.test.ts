import t from 'tap'
import type { Evidence } from '../../src/core/event.js'
import { UncertainEvidence } from '../../src/store/uncertain-evidence.js'

const evidence = (nth: number): Evidence => ({ framePath: `oil_spill_frames/${nth}.jpg`, sha256: '', sizeBytes: 1, width: 1, height: 1 })

/** With the paths that have a row, and the files that were removed. */
function setUp () {
  const claimed = new Set<string>()
  const removed: string[] = []
  let isReadable = true
  const uncertain = new UncertainEvidence(async paths => {
    if (!isReadable) throw new Error('the history cannot be read')
    return paths.filter(path => !claimed.has(path))
  }, async ({ framePath }) => { removed.push(framePath) })
  return { uncertain, claimed, removed, setReadable: (to: boolean) => { isReadable = to } }
}

t.test('files are kept until a change was stored, and then those that have a row', async t => {
  const { uncertain, claimed, removed } = setUp()
  await uncertain.hold(evidence(1))
  await uncertain.hold(evidence(2))
  claimed.add(evidence(2).framePath)
  t.strictSame(removed, [])
  await uncertain.settle()
  t.strictSame(removed, [evidence(1).framePath])
  claimed.clear()
  await uncertain.settle()
  t.strictSame(removed, [evidence(1).framePath], 'each is looked at once')
})

t.test('where the history cannot be read they wait on', async t => {
  const { uncertain, removed, setReadable } = setUp()
  await uncertain.hold(evidence(1))
  setReadable(false)
  await uncertain.settle()
  t.strictSame(removed, [])
  setReadable(true)
  await uncertain.settle()
  t.strictSame(removed, [evidence(1).framePath])
})

t.test('a disk that fails for hours is not filled with them', async t => {
  const { uncertain, removed } = setUp()
  for (let nth = 0; nth < 150; nth += 1) await uncertain.hold(evidence(nth))
  t.strictSame(removed, Array.from({ length: 50 }, (_, nth) => evidence(nth).framePath))
})
