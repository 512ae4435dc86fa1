import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { jpeg, PASSWORD, temporaryFolder, upload } from '../helper.js'
import { needs, PYTHON, run } from './clients.js'
import { largeJpeg } from './pictures.js'
import { startServerProcess } from './server-process.js'

/** Word for word from the seed's README, "Uploading Frames (Camera Integration)". */
const UPLOAD_EXAMPLE = `
import requests

# Upload frame with oil spill detection
with open('frame.jpg', 'rb') as f:
    response = requests.post(
        'http://localhost:5000/api/upload_frame',
        data=f.read(),
        headers={
            'X-Camera-Auth': 'your_password',
            'X-Oil-Spill-Detected': 'true',
            'Content-Type': 'image/jpeg'
        }
    )
`

/** Word for word from the seed's README, "Checking Detection Status". */
const STATUS_EXAMPLE = `
import requests

response = requests.get('http://localhost:5000/api/status')
status = response.json()
print(f"Oil spill detected: {status['oil_spill_detected']}")
`

const PRINT_RESPONSE = 'print(response.status_code, response.text)\n'

/** Runs a program of the seed's README against a server, in a folder with a frame.jpg; what it prints. */
async function python (t: Test, url: string, program: string, frame = jpeg()): Promise<string> {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'frame.jpg'), frame)
  const adapted = program.replaceAll('http://localhost:5000', url).replaceAll('your_password', PASSWORD)
  const { code, stdout, stderr } = await run(PYTHON, ['-c', adapted], { cwd: folder })
  t.equal(code, 0, 'Python ends well')
  t.equal(stderr, '', 'and complains of nothing')
  return stdout.toString().trimEnd()
}

t.test('Python requests', needs('python3-requests'), async t => {
  t.test('the seed\'s upload example stores a spill, and its status example sees it', async t => {
    const { url, dataDir } = await startServerProcess(t)
    const frame = jpeg({ width: 320, height: 240 })
    t.equal(await python(t, url, STATUS_EXAMPLE), 'Oil spill detected: False')
    t.equal(await python(t, url, UPLOAD_EXAMPLE + PRINT_RESPONSE, frame), '200 Frame received')
    t.equal(await python(t, url, STATUS_EXAMPLE), 'Oil spill detected: True')

    const shown = await fetch(`${url}/api/frame`)
    t.strictSame(Buffer.from(await shown.arrayBuffer()), frame, 'the frame is shown as it was sent')
    const [event] = await (await fetch(`${url}/api/oil_spill_events`)).json() as [{ frame_path: string }]
    t.match(event.frame_path, /^oil_spill_frames\/oil_spill_\d{8}_\d{6}\.jpg$/)
    t.strictSame(readFileSync(join(dataDir, event.frame_path)), frame, 'and kept as it was sent')
  })

  t.test('the stream is stopped and started with json=', async t => {
    const { url } = await startServerProcess(t)
    await upload(url)
    const controlled = (action: string) => `import requests\nresponse = requests.post('http://localhost:5000/api/${action}', json={'password': 'your_password'})\n`
    t.equal(await python(t, url, controlled('stop_stream') + PRINT_RESPONSE), '200 {"status":"Stream stopped"}')
    t.equal((await fetch(`${url}/stream`)).status, 503)
    t.equal(await python(t, url, controlled('start_stream') + PRINT_RESPONSE), '200 {"status":"Stream started"}')
  })

  for (const sizeBytes of [100_000, 5_000_000]) {
    t.test(`a wrong password is seen as a 401 with a frame of ${sizeBytes} bytes, and the next frame is taken`, async t => {
      const { url } = await startServerProcess(t, { AUTH_FAILURE_LIMIT: '100' })
      const printed = await python(t, url, `
import requests
frame = open('frame.jpg', 'rb').read()
session = requests.Session()
for _ in range(10):
    response = session.post('http://localhost:5000/api/upload_frame', data=frame, headers={'X-Camera-Auth': 'wrong'})
    print(response.status_code, response.json()['statusCode'])
response = session.post('http://localhost:5000/api/upload_frame', data=frame, headers={'X-Camera-Auth': 'your_password'})
${PRINT_RESPONSE}`, largeJpeg(sizeBytes))
      t.strictSame(printed.split('\n'), [...Array<string>(10).fill('401 401'), '200 Frame received'])
    })
  }
})
