import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lockFolder } from '../../../src/cli/camera/folder-lock.js'

const holder = new URL('../../../src/cli/camera/folder-lock.js', import.meta.url)

t.test('a folder has one program, and whoever was killed is not in the way', async t => {
  const folder = t.testdir({})
  const child = spawn(process.execPath, ['--input-type=module', '-e', `
    import { lockFolder } from ${JSON.stringify(String(holder))}
    await lockFolder(${JSON.stringify(folder)})
    console.log('locked')
    setInterval(() => {}, 1000)`], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await t.rejects(lockFolder(folder), { name: 'CameraError', message: new RegExp(`process ${child.pid}\\) is using .* --spool$`) })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const unlock = await lockFolder(folder)
  t.match(readFileSync(join(folder, 'agent.pid'), 'utf8'), `${process.pid}\n`)
  await unlock()
  t.strictSame(readdirSync(folder), [])
})

t.test('a number that another process has by now, or that is none, is not in the way', async t => {
  const folder = t.testdir({})
  for (const text of [`${process.ppid}\nanother-boot 1\n`, 'nonsense', '', `${process.pid}\n`, '1\nanother-boot 1\n']) {
    writeFileSync(join(folder, 'agent.pid'), text)
    await (await lockFolder(folder))()
  }
})
