import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { syncFolder, writeWhole } from '../../../src/cli/camera/durable-file.js'

t.test('a file is written whole, in the place of the one before', async t => {
  const folder = t.testdir({ name: 'old and longer' })
  await writeWhole(join(folder, 'name'), [Buffer.from('ne'), Buffer.from('w')])
  await syncFolder(folder)
  t.equal(readFileSync(join(folder, 'name'), 'utf8'), 'new')
  t.strictSame(readdirSync(folder), ['name'])
})

t.test('what goes wrong leaves the one before as it was', async t => {
  const folder = t.testdir({ 'name.tmp': {} })
  writeFileSync(join(folder, 'name'), 'old')
  await t.rejects(writeWhole(join(folder, 'name'), [Buffer.from('new')]))
  t.equal(readFileSync(join(folder, 'name'), 'utf8'), 'old')
  await t.rejects(syncFolder(join(folder, 'none')), { code: 'ENOENT' })
})
