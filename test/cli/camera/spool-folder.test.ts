import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SpoolFolder } from '../../../src/cli/camera/spool-folder.js'
import { shotOf } from './support.js'

const named = (sequence: number, runId = 1) => ({ name: { sequence, runId, isClear: false }, shot: shotOf(sequence, { spill: true }) })

t.test('frames are written, found again, read, set aside and deleted', async t => {
  const path = join(t.testdir({}), 'made', 'anew')
  const folder = await SpoolFolder.open(path)
  const sizes = await folder.write([named(2), named(1)])
  t.strictSame(await folder.list(), [{ sequence: 1, runId: 1, isClear: false, byteCount: sizes[1] }, { sequence: 2, runId: 1, isClear: false, byteCount: sizes[0] }])
  t.strictSame(await folder.read({ sequence: 2, runId: 1, isClear: false }), shotOf(2, { spill: true }))
  t.ok(await folder.setAside({ sequence: 1, runId: 1, isClear: false }))
  await folder.delete({ sequence: 2, runId: 1, isClear: false })
  t.strictSame(await folder.list(), [])
  t.match(await folder.listRefused(), [{ sequence: 1 }])
  await folder.deleteRefused({ sequence: 1, runId: 1, isClear: false })
  t.strictSame(await folder.listRefused(), [])
  await folder.close()
  t.strictSame(readdirSync(path), ['refused'])
})

t.test('what a kill left half written is swept, and what is not ours stays', async t => {
  const path = t.testdir({ 'note.txt': 'mine', '0000000000000001-0000000000000001.frame.tmp': 'half', 'sequence.tmp': '12' })
  mkdirSync(join(path, '0000000000000002-0000000000000002.frame'))
  const folder = await SpoolFolder.open(path)
  t.strictSame(await folder.list(), [])
  t.strictSame(readdirSync(path).sort(), ['0000000000000002-0000000000000002.frame', 'agent.pid', 'note.txt'])
  t.equal(readFileSync(join(path, 'note.txt'), 'utf8'), 'mine')
})

t.test('a frame that cannot be written is an error of its own', async t => {
  const path = t.testdir({})
  const folder = await SpoolFolder.open(path)
  mkdirSync(join(path, '0000000000000001-0000000000000001.frame.tmp'))
  t.match(await folder.write([named(1), named(2)]), [{ code: 'EISDIR' }, Number])
  t.equal((await folder.list()).length, 1)
  t.match(await folder.write([named(1)]), [{ code: 'EISDIR' }])
  t.equal(await folder.setAside({ sequence: 9, runId: 9, isClear: false }), false)
  await folder.delete({ sequence: 9, runId: 9, isClear: false })
})

t.test('a folder that cannot be used says what to do', async t => {
  const file = join(t.testdir({}), 'file')
  writeFileSync(file, '')
  await t.rejects(SpoolFolder.open(file), { name: 'CameraError', message: /cannot be kept .*EEXIST.* --spool$/ })
})
