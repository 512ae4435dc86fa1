import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { jpeg, PASSWORD, temporaryFolder } from '../helper.js'
import { openPage, startChromium } from './browser.js'
import { needs } from './clients.js'
import { startServerProcess } from './server-process.js'

t.test('Swagger UI in Chromium', needs('chromium'), async t => {
  const browser = await startChromium(t)

  t.test('a JPEG file is uploaded with "Try it out"', async t => {
    const { url } = await startServerProcess(t)
    const frame = jpeg({ width: 64, height: 48 })
    const path = join(temporaryFolder(t), 'frame.jpg')
    writeFileSync(path, frame)
    const { page, complaints } = await openPage(t, browser, `${url}/documentation`)

    await page.click('button.authorize')
    const camera = page.locator('.auth-container', { hasText: 'CameraPassword' })
    await camera.locator('input').fill(PASSWORD)
    await camera.locator('button[type=submit]').click()
    await camera.locator('button.btn-done').click()

    const upload = page.locator('.opblock', { hasText: '/api/upload_frame' })
    await upload.locator('.opblock-summary').click()
    await upload.locator('input[type=file]').setInputFiles(path)
    await upload.locator('button.execute').click()
    const answer = upload.locator('.live-responses-table')
    await answer.locator('.response-col_status').filter({ hasText: '200' }).first().waitFor()
    t.match(await answer.innerText(), /Frame received/)
    t.strictSame(Buffer.from(await (await fetch(`${url}/api/frame`)).arrayBuffer()), frame, 'byte for byte')
    t.strictSame(complaints, [])
  })

  t.test('a status is read, and a wrong password is refused with what to do', async t => {
    const { url } = await startServerProcess(t)
    const { page } = await openPage(t, browser, `${url}/documentation`)
    const status = page.locator('.opblock', { hasText: '/api/status' })
    await status.locator('.opblock-summary').click()
    await status.locator('button.execute').click()
    await status.locator('.live-responses-table', { hasText: 'stream_active' }).waitFor()

    const stop = page.locator('.opblock', { hasText: '/api/stop_stream' })
    await stop.locator('.opblock-summary').click()
    await stop.locator('button.execute').click()
    await stop.locator('.live-responses-table', { hasText: '"statusCode": 401' }).waitFor()
    t.match(await stop.locator('.live-responses-table').innerText(), /password/i)
  })
})
