import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { ADMIN_PASSWORD, control, jpeg, until, upload } from '../helper.js'
import { colourOnScreen, openPage, startChromium } from './browser.js'
import { needs } from './clients.js'
import { COLOURS, distance, type Colour } from './pictures.js'
import { startServerProcess } from './server-process.js'

/** From the camera's first byte to the screen. */
const PAINTED_WITHIN_MS = 150

/** How often the measurement is made anew where the machine was busy with other things. */
const ATTEMPTS = 3

/** No other picture comes for this long after an upload: a page that needs the next one to show this one fails. */
const QUIET_MS = 400

/**
 * Runs in the page: looks at the picture before each paint, and keeps when it changed to which colour. The time is taken
 * before the paint that follows, when this one is done.
 */
const WATCH_COLOURS = `
window.changes = []
const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true })
const look = () => {
  const image = document.querySelector('img')
  if (image?.naturalWidth > 0) {
    context.drawImage(image, 0, 0, 1, 1)
    const colour = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
    if (String(colour) !== String(window.changes.at(-1)?.colour)) {
      const change = { colour }
      window.changes.push(change)
      requestAnimationFrame(() => { change.paintedAtMs = performance.timeOrigin + performance.now() })
    }
  }
  requestAnimationFrame(look)
}
look()
`

interface Change { readonly colour: Colour, readonly paintedAtMs?: number }

/** Uploads a picture of this colour; how long it took until it was painted, or Infinity if it was not within a while. */
async function paintTimeMs (page: Page, url: string, color: Colour): Promise<number> {
  const uploadedAtMs = performance.timeOrigin + performance.now()
  await upload(url, { jpeg: jpeg({ width: 320, height: 240, color }) })
  await pause(QUIET_MS)
  const changes: Change[] = await page.evaluate('window.changes')
  const shown = changes.find(change => distance(change.colour, color) < 12 && Number(change.paintedAtMs) > uploadedAtMs)
  return (shown?.paintedAtMs ?? Infinity) - uploadedAtMs
}

function median (values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

/** Asserts that pictures are painted soon, each without any after it. */
async function assertPaintedAtOnce (t: Test, page: Page, url: string, selector: string): Promise<void> {
  await page.evaluate(WATCH_COLOURS)
  let medianMs = Infinity
  for (let attempt = 1; attempt <= ATTEMPTS && medianMs > PAINTED_WITHIN_MS; attempt++) {
    const times: number[] = []
    for (const colour of COLOURS) {
      times.push(await paintTimeMs(page, url, colour))
      const onScreen = await colourOnScreen(page, selector)
      t.ok(distance(onScreen, colour) < 12, `${colour} is on the screen, with nothing after it: ${onScreen}`)
    }
    medianMs = median(times)
    t.comment(`from upload to paint: median ${medianMs.toFixed(0)} ms of ${times.map(time => time.toFixed(0)).join(', ')}`)
  }
  t.ok(medianMs <= PAINTED_WITHIN_MS, `the median is within ${PAINTED_WITHIN_MS} ms: ${medianMs}`)
}

t.test('Chromium', needs('chromium'), async t => {
  const browser = await startChromium(t)

  t.test('/stream shows each picture at once', async t => {
    const { url } = await startServerProcess(t)
    await upload(url, { jpeg: jpeg({ width: 320, height: 240, color: [90, 0, 90] }) })
    const { page, complaints } = await openPage(t, browser, `${url}/stream`)
    await page.waitForSelector('img')
    await until(async () => distance(await colourOnScreen(page, 'img'), [90, 0, 90]) < 12, 'the newest picture on connecting')
    await assertPaintedAtOnce(t, page, url, 'img')
    t.strictSame(complaints, [])
  })

  t.test('/ shows each picture at once', async t => {
    const { url } = await startServerProcess(t)
    const { page, complaints } = await openPage(t, browser, `${url}/`)
    await page.waitForSelector('#state:has-text("No frame has come yet")')
    await upload(url, { jpeg: jpeg({ width: 320, height: 240, color: [90, 0, 90] }) })
    await until(async () => distance(await colourOnScreen(page, '#picture'), [90, 0, 90]) < 12, 'the first picture')
    await assertPaintedAtOnce(t, page, url, '#picture')
    t.strictSame(complaints, [])
  })

  t.test('/ comes back after a stop and start that it did not notice, while others watch', async t => {
    const { url } = await startServerProcess(t)
    await upload(url, { jpeg: jpeg({ color: COLOURS[0]! }) })
    const { page } = await openPage(t, browser, `${url}/`)
    await openPage(t, browser, `${url}/`)
    await until(async () => distance(await colourOnScreen(page, '#picture'), COLOURS[0]!) < 12, 'the picture')
    await control(url, 'stop_stream')
    await control(url, 'start_stream')
    let sent = 0
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; sent += 1) {
      const color = COLOURS[1 + sent % 2]!
      await upload(url, { jpeg: jpeg({ color }) })
      await new Promise(resolve => setTimeout(resolve, 200))
      if (sent > 5 && distance(await colourOnScreen(page, '#picture'), COLOURS[0]!) > 12) break
    }
    t.ok(distance(await colourOnScreen(page, '#picture'), COLOURS[0]!) > 12, 'the picture goes on')
  })

  t.test('/ says whether there is a spill', async t => {
    const { url } = await startServerProcess(t)
    const { page, complaints } = await openPage(t, browser, `${url}/`)
    t.equal(await page.textContent('h1'), 'Video Streaming Server is running')
    await upload(url)
    await page.waitForSelector('#state[data-kind=normal]:has-text("No oil spill detected")')
    await upload(url, { spill: true })
    await page.waitForSelector('#state[data-kind=alert]:has-text("Oil spill detected")')
    t.equal(await page.textContent('#events'), '1')
    t.equal(await page.textContent('#size'), '16 x 8')
    await upload(url, { spill: false })
    await page.waitForSelector('#state[data-kind=normal]:has-text("No oil spill detected")')
    t.strictSame(complaints, [])
  })

  t.test('the picture on / goes with a stop and comes back with a start', async t => {
    const { url } = await startServerProcess(t)
    await upload(url, { jpeg: jpeg({ color: COLOURS[0]! }) })
    const { page, complaints } = await openPage(t, browser, `${url}/`)
    await until(async () => distance(await colourOnScreen(page, '#picture'), COLOURS[0]!) < 12, 'the picture')
    await control(url, 'stop_stream')
    await page.waitForSelector('#state:has-text("The picture is stopped")')
    await page.waitForSelector('text=No live picture now')
    t.equal(await page.isVisible('#picture'), false, 'no old picture stays on the screen')
    await upload(url, { jpeg: jpeg({ color: COLOURS[1]! }) })
    await control(url, 'start_stream')
    await until(async () => distance(await colourOnScreen(page, '#picture'), COLOURS[1]!) < 12, 'the newest picture')
    t.strictSame(complaints, [])
  })

  t.test('/?camera= shows that camera, and how all the others are', async t => {
    const { url } = await startServerProcess(t, { CAMERA_OFFLINE_AFTER_SECONDS: '3' })
    const keys = { north: await newCamera(url, 'north'), south: await newCamera(url, 'south') }
    await upload(url, { jpeg: jpeg({ color: COLOURS[0]! }) })
    await upload(url, { jpeg: jpeg({ color: COLOURS[1]! }), password: keys.north })
    const { page, complaints } = await openPage(t, browser, `${url}/?camera=north`)
    await until(async () => distance(await colourOnScreen(page, '#picture'), COLOURS[1]!) < 12, 'the picture of that camera')
    await page.waitForSelector('#cameras a:has-text("south: not seen yet")')
    await page.waitForSelector('#cameras a[data-kind=stale]:has-text("Default camera: silent")')
    await page.waitForSelector('#state[data-kind=stale]:has-text("What is there now is not known. No frame for")')
    await upload(url, { spill: true, password: keys.south })
    await page.waitForSelector('#cameras a[data-kind=alert]:has-text("south: OIL SPILL")')
    t.equal(await page.getAttribute('#cameras a[aria-current]', 'href'), '/?camera=north')
    t.equal(await page.getAttribute('nav a >> nth=0', 'href'), `${url}/stream?camera=north`)
    await page.click('#cameras a:has-text("south")')
    await page.waitForSelector('#state[data-kind=alert]:has-text("Oil spill detected")')
    t.strictSame(complaints, [])
  })
})

/** Sets up a camera as an administrator does. Returns its key. */
async function newCamera (url: string, cameraId: string): Promise<string> {
  const headers = { Authorization: `Basic ${btoa(`admin:${ADMIN_PASSWORD}`)}`, 'Content-Type': 'application/json' }
  await fetch(`${url}/api/cameras`, { method: 'POST', headers, body: JSON.stringify({ camera_id: cameraId, name: cameraId }) })
  const made = await fetch(`${url}/api/cameras/${cameraId}/keys`, { method: 'POST', headers, body: '{}' })
  return (await made.json() as { key: string }).key
}
