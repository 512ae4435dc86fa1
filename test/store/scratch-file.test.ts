import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { ScratchFile } from '../../src/store/scratch-file.js'
import { temporaryFolder } from '../helper.js'

t.test('what was added comes out again, and nobody else sees it', async t => {
  const folder = temporaryFolder(t)
  const file = await ScratchFile.make(folder)
  t.strictSame(readdirSync(folder), [])
  const text = randomBytes(100_000).toString('hex')
  for (const piece of ['', 'ä', text, '', 'z']) await file.append(piece)
  for (let time = 0; time < 2; time += 1) {
    const chunks: Buffer[] = []
    for await (const chunk of file.chunks()) chunks.push(chunk)
    t.ok(chunks.length > 2)
    t.equal(Buffer.concat(chunks).toString(), `ä${text}z`)
  }
  await file.close()
})

t.test('a folder that is not there is an error', async t => {
  await t.rejects(ScratchFile.make('/no/such/folder'), { code: 'ENOENT' })
})
