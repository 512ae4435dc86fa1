import jpegJs from 'jpeg-js'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { CHROMIUM } from './clients.js'
import type { Colour } from './pictures.js'

/** Starts Chromium without a window; it is closed after the test. */
export async function startChromium (t: Test): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--no-proxy-server'
    ]
  })
  t.teardown(async () => { await browser.close() })
  return browser
}

export interface OpenPage {
  readonly page: Page
  /** What went wrong on it so far: the console's errors and warnings, which violations of the page's policy belong to, and what its scripts threw. */
  readonly complaints: string[]
}

/** Opens a page without waiting for its end, which a live picture does not have. */
export async function openPage (t: Test, browser: Browser, url: string): Promise<OpenPage> {
  const page = await browser.newPage()
  t.teardown(async () => { await page.close() })
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', error => { complaints.push(String(error)) })
  await page.goto(url, { waitUntil: 'commit' })
  return { page, complaints }
}

/** The colour in the middle of what a selector names, as it stands on the screen. */
export async function colourOnScreen (page: Page, selector: string): Promise<Colour> {
  const screenshot = jpegJs.decode(await page.locator(selector).screenshot({ type: 'jpeg', quality: 100, timeout: 10_000 }))
  const middle = (Math.floor(screenshot.height / 2) * screenshot.width + Math.floor(screenshot.width / 2)) * 4
  const [red = NaN, green = NaN, blue = NaN] = screenshot.data.subarray(middle)
  return [red, green, blue]
}
