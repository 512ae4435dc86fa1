import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { passwordProblem } from '../../src/core/camera.js'
import { claimDataFolder, generatedPassword, refuseLostHistory } from '../../src/store/data-folder.js'
import { temporaryFolder } from '../helper.js'
import { filesOf, fillDisk, lockFolder, moduleUrl, nobodyProblem, printedByNobody, runElsewhere, smallDisk } from './support.js'

t.test('the data folder is made where there is none, with those above it', async t => {
  const path = join(temporaryFolder(t), 'a', 'b', 'data')
  const folder = claimDataFolder(path)
  t.ok(statSync(path).isDirectory())
  t.equal(folder.path, path)
  folder.release()
})

t.test('two servers cannot use one folder', async t => {
  const IN_USE = { name: 'StartupError', message: /^another Videostream server is using .*; stop it, or give this one its own DATA_DIR$/ }

  t.test('in one process', async t => {
    const path = temporaryFolder(t)
    const first = claimDataFolder(path)
    t.throws(() => claimDataFolder(path), IN_USE)
    t.throws(() => claimDataFolder(path), IN_USE, 'to have tried does not take the claim away')
    first.release()
    claimDataFolder(path).release()
  })

  t.test('in another process, until that ends, however it ends', async t => {
    const path = temporaryFolder(t)
    const other = await runElsewhere(t, `
      import { claimDataFolder } from '${moduleUrl('store/data-folder.js')}'
      globalThis.claim = claimDataFolder(${JSON.stringify(path)})
      console.log('claimed')
      setInterval(() => {}, 1000)`)
    t.equal(other.firstLine, 'claimed')
    t.throws(() => claimDataFolder(path), IN_USE)
    await other.kill()
    claimDataFolder(path).release()
  })

  t.test('and this process keeps another one out', async t => {
    const path = temporaryFolder(t)
    const first = claimDataFolder(path)
    const { firstLine } = await runElsewhere(t, `
      import { claimDataFolder } from '${moduleUrl('store/data-folder.js')}'
      try { claimDataFolder(${JSON.stringify(path)}); console.log('claimed') } catch (error) { console.log(error.message) }`)
    t.match(firstLine, IN_USE.message)
    first.release()
  })
})

t.test('a path that is a file is refused', async t => {
  const path = join(temporaryFolder(t), 'file')
  writeFileSync(path, 'x')
  t.throws(() => claimDataFolder(path), { name: 'StartupError', message: `${path} cannot be written (EEXIST); give the server a folder of its own with DATA_DIR, or correct the permissions` })
  t.throws(() => claimDataFolder(join(path, 'data')), { name: 'StartupError', message: /\(ENOTDIR\)/ })
  t.equal(readFileSync(path, 'utf8'), 'x')
})

t.test('a lock file that is something else is named, and left as it is', async t => {
  const path = temporaryFolder(t)
  writeFileSync(join(path, 'videostream.lock'), 'not ours '.repeat(200))
  const before = filesOf(path)
  t.throws(() => claimDataFolder(path), { name: 'StartupError', message: /videostream\.lock is damaged or not a database; nothing was changed/ })
  t.strictSame(filesOf(path), before)
})

const nobody = nobodyProblem()

t.test('a read-only folder is refused', { skip: nobody }, async t => {
  const outer = temporaryFolder(t)
  const path = join(outer, 'data')
  mkdirSync(path)
  lockFolder(t, outer)
  for (const [name, prepare] of [
    ['with nothing in it', () => {}],
    ['where a server of another user was', () => { claimDataFolder(path).release() }]
  ] as const) {
    prepare()
    chmodSync(path, 0o555)
    const before = filesOf(path)
    const printed = printedByNobody(`
      import { claimDataFolder, generatedPassword, refuseLostHistory } from '${moduleUrl('store/data-folder.js')}'
      for (const start of [claimDataFolder, generatedPassword]) {
        try { start(${JSON.stringify(path)}); console.log('started') } catch (error) { console.log(error.name + ': ' + error.message) }
      }`)
    const lines = printed.trimEnd().split('\n')
    t.equal(lines.length, 2, 'one line each')
    for (const line of lines) {
      t.match(line, /^StartupError: .*data.* cannot be written \([A-Z_]+\); give the server a folder of its own with DATA_DIR, or correct the permissions$/, name)
    }
    t.strictSame(filesOf(path), before)
    chmodSync(path, 0o755)
  }
  t.match(printedByNobody(`
    import { claimDataFolder } from '${moduleUrl('store/data-folder.js')}'
    try { claimDataFolder(${JSON.stringify(join(outer, 'other'))}) } catch (error) { console.log(error.message) }`),
  /other cannot be written \(EACCES\)/)
})

t.test('a password is made on the first run, and kept', async t => {
  const path = temporaryFolder(t)
  const first = generatedPassword(path)
  t.equal(first.madeNow, true)
  t.strictSame(generatedPassword(path), { password: first.password, madeNow: false })
  t.strictSame(readdirSync(path), ['camera_password'])
})

t.test('evidence without its history is refused, and left as it is', async t => {
  const path = temporaryFolder(t)
  refuseLostHistory(path)
  mkdirSync(join(path, 'oil_spill_frames'))
  refuseLostHistory(path)
  writeFileSync(join(path, 'oil_spill_frames', 'oil_spill_20230623_143022.jpg'), 'a frame')
  for (const prepare of [() => {}, () => { writeFileSync(join(path, 'videostream.db'), '') }]) {
    prepare()
    t.throws(() => { refuseLostHistory(path) }, { name: 'StartupError', message: /^.*videostream\.db is missing or empty, but there is evidence in .*$/ })
    t.strictSame(readdirSync(join(path, 'oil_spill_frames')), ['oil_spill_20230623_143022.jpg'])
  }
  writeFileSync(join(path, 'videostream.db'), 'a history')
  refuseLostHistory(path)
})

t.test('it is strong, and another one each time', async t => {
  const passwords = new Set(Array.from({ length: 20 }, () => generatedPassword(temporaryFolder(t)).password))
  t.equal(passwords.size, 20)
  for (const password of passwords) {
    t.match(password, /^[A-Za-z0-9_-]{32}$/, '192 bits, safe in a shell and a header')
    t.equal(passwordProblem(password), undefined)
  }
})

t.test('only its owner can read it, whatever the umask', async t => {
  const umask = process.umask(0)
  t.teardown(() => { process.umask(umask) })
  const path = temporaryFolder(t)
  generatedPassword(path)
  t.equal(statSync(join(path, 'camera_password')).mode & 0o777, 0o600)
})

t.test('a password that somebody put there is used, with or without its line break', async t => {
  for (const content of ['put there by hand', 'put there by hand\n', 'put there by hand\r\n']) {
    const path = temporaryFolder(t)
    writeFileSync(join(path, 'camera_password'), content)
    t.strictSame(generatedPassword(path), { password: 'put there by hand', madeNow: false })
  }
})

t.test('one that is no good is refused, and neither shown nor replaced', async t => {
  for (const [content, line] of [
    ['', /camera_password is empty; .*; delete the file to have a new one made$/],
    ['tooshort\n', /camera_password is shorter than 12 characters; .*; delete the file to have a new one made$/],
    ['your_secure_password\n', /camera_password is an example from the documentation.*; delete the file/],
    ['two lines of\ngood length\n', /camera_password has characters that cannot travel/]
  ] as const) {
    const path = temporaryFolder(t)
    writeFileSync(join(path, 'camera_password'), content)
    try {
      generatedPassword(path)
      t.fail('it was taken')
    } catch (error) {
      const { name, message } = error as Error
      t.equal(name, 'StartupError')
      t.match(message, line)
      t.notOk(message.includes('\n'))
      if (content.trim() !== '') t.notOk(message.includes(content.trim()))
    }
    t.equal(readFileSync(join(path, 'camera_password'), 'utf8'), content)
  }
})

t.test('one that cannot be read is refused', async t => {
  const path = temporaryFolder(t)
  mkdirSync(join(path, 'camera_password'))
  t.throws(() => generatedPassword(path), { name: 'StartupError', message: /camera_password cannot be used: .*\(EISDIR\)$/ })
})

t.test('on a full disk none is made, and once there is room the next start makes one', async t => {
  const disk = smallDisk(t, 64)
  if ('problem' in disk) return t.pass('not run', { skip: disk.problem })
  const makeRoom = fillDisk(disk.path, 0)
  t.throws(() => generatedPassword(disk.path), { name: 'StartupError', message: /^no room is left on the disk of .*camera_password; make room and start again$/ })
  t.notOk(existsSync(join(disk.path, 'camera_password')), 'not even an empty one')
  makeRoom()
  t.equal(generatedPassword(disk.path).madeNow, true)
})

t.test('what a crash left of making one does not stand in the way', async t => {
  const path = temporaryFolder(t)
  writeFileSync(join(path, 'camera_password.part'), 'half a pass', { mode: 0o644 })
  const { madeNow } = generatedPassword(path)
  t.equal(madeNow, true)
  t.equal(statSync(join(path, 'camera_password')).mode & 0o777, 0o600)
  t.strictSame(readdirSync(path), ['camera_password'])
})
