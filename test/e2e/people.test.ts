import t from 'tap'
import { ADMIN_PASSWORD, jpeg, startServer, tokenOf, PERSON_PASSWORD, upload, until } from '../helper.js'
import { colourOnScreen, openPage, startChromium } from './browser.js'
import { needs, run } from './clients.js'
import { distance } from './pictures.js'

const GREEN: [number, number, number] = [20, 140, 60]

t.test('a person logs in with Chromium, looks, and logs out', needs('chromium'), async t => {
  const { url } = await startServer(t, { VIEWER_ACCESS: 'private' })
  await upload(url, { jpeg: jpeg({ width: 320, height: 240, color: GREEN }) })
  const { page, complaints } = await openPage(t, await startChromium(t), url)
  await until(async () => (await page.textContent('#state')) === 'Log in to see the picture and the status', 'the page says it is closed')
  t.equal(await page.getAttribute('#picture', 'src'), null, 'it does not ask for the picture')
  t.ok(complaints.every(complaint => complaint.includes('401')), complaints.join('\n'))
  complaints.length = 0

  await page.click('nav a[href="/login"]')
  t.equal(await page.inputValue('[name=next]'), '/')
  await page.fill('[name=username]', 'admin')
  await page.fill('[name=password]', 'a wrong password')
  await page.click('button')
  t.match(await page.textContent('[role=alert]'), /^User name or password are not right/)
  t.equal(await page.inputValue('[name=username]'), 'admin')
  complaints.length = 0
  await page.fill('[name=password]', ADMIN_PASSWORD)
  await page.click('button')
  await page.waitForURL(`${url}/`, { waitUntil: 'commit' })
  await until(async () => (await page.textContent('#state')) === 'No oil spill detected.', 'the status')
  await until(async () => distance(await colourOnScreen(page, '#picture'), GREEN) < 12, 'the picture')
  t.match(await page.textContent('nav form'), /^admin/)
  t.strictSame(complaints, [])

  await page.click('nav button')
  await until(async () => (await page.textContent('#state')) === 'Log in to see the picture and the status', 'the page is closed again')
})

t.test('a person who opens a closed address goes on to it after the login', needs('chromium'), async t => {
  const { url } = await startServer(t, { VIEWER_ACCESS: 'private' })
  const { page } = await openPage(t, await startChromium(t), `${url}/api/detection_summary?camera=default`)
  await page.fill('[name=username]', 'admin')
  await page.fill('[name=password]', ADMIN_PASSWORD)
  await page.press('[name=password]', 'Enter')
  await page.waitForURL(`${url}/api/detection_summary?camera=default`)
  t.match(await page.textContent('body'), 'Normal: No oil spill detected')
})

t.test('ffmpeg watches with a name and password, and with a token in the place of the password', needs('ffmpeg'), async t => {
  const { app, url } = await startServer(t, { VIEWER_ACCESS: 'private' })
  const token = await tokenOf(app, 'viewer')
  await upload(url, { jpeg: jpeg({ width: 160, height: 120, color: GREEN }) })
  const watch = async (login: string) => await run('ffmpeg', [
    '-hide_banner', '-nostdin', '-loglevel', 'error', '-f', 'mpjpeg', '-i', `${url.replace('//', `//${login}`)}/stream`, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'
  ])
  for (const login of [`viewer:${encodeURIComponent(PERSON_PASSWORD)}@`, `viewer:${token}@`]) {
    const { stdout, stderr } = await watch(login)
    t.equal(stdout.length, 160 * 120 * 3, stderr)
  }
  const { code, stderr } = await watch('')
  t.not(code, 0)
  t.match(stderr, '401')
})

t.test('curl logs in all three ways', needs('curl'), async t => {
  const { app, url } = await startServer(t, { VIEWER_ACCESS: 'private' })
  const token = await tokenOf(app, 'operator')
  const curl = async (...args: string[]): Promise<string> => (await run('curl', ['--silent', '--show-error', '--write-out', ' %{http_code}', ...args])).stdout.toString()
  const who = '{"username":"operator","role":"operator"}'
  t.equal(await curl('--user', `operator:${PERSON_PASSWORD}`, `${url}/api/me`), `${who} 200`)
  t.equal(await curl('--anyauth', '--user', `operator:${PERSON_PASSWORD}`, `${url}/api/me`), `${who} 200`)
  t.equal(await curl('--header', `Authorization: Bearer ${token}`, `${url}/api/me`), `${who} 200`)
  t.equal(await curl('--oauth2-bearer', token, '--request', 'POST', `${url}/api/stop_stream`), '{"status":"Stream stopped"} 200')
  t.equal(await curl('--cookie-jar', '/dev/null', '--data-urlencode', 'username=operator', '--data-urlencode', `password=${PERSON_PASSWORD}`, '--data-urlencode', 'next=/api/me',
    '--location', `${url}/login`), `${who} 200`)
})
