import t from 'tap'
import { control, jpeg, upload } from '../helper.js'
import { needs, PYTHON, run } from './clients.js'
import { COLOURS, distance } from './pictures.js'
import { startServerProcess, viewerOf } from './server-process.js'

/** Prints size and mean colour of each frame until there is none. */
const PROGRAM = `
import cv2, json, sys
capture = cv2.VideoCapture(sys.argv[1])
assert capture.isOpened()
while True:
    ok, frame = capture.read()
    if not ok:
        break
    height, width, _ = frame.shape
    blue, green, red = frame.reshape(-1, 3).mean(axis=0)
    print(json.dumps({'size': [width, height], 'colour': [red, green, blue]}), flush=True)
`

t.test('OpenCV', needs('python3-opencv'), async t => {
  t.test('VideoCapture reads every frame in its colour, until the stream is stopped', async t => {
    const { url } = await startServerProcess(t)
    const frames = COLOURS.map(color => jpeg({ width: 160, height: 120, color }))
    await upload(url, { jpeg: frames[0]! })
    const watching = run(PYTHON, ['-c', PROGRAM, `${url}/stream`])
    await viewerOf(url)
    for (const frame of frames.slice(1)) {
      await upload(url, { jpeg: frame })
      await new Promise(resolve => setTimeout(resolve, 200)) // a camera's pace, at which nothing is skipped
    }
    await control(url, 'stop_stream')
    const { code, stdout, stderr } = await watching
    t.equal(code, 0, stderr)
    const seen = stdout.toString().trim().split('\n').map(line => JSON.parse(line) as { size: number[], colour: number[] })
    t.strictSame(seen.map(({ size }) => size), COLOURS.map(() => [160, 120]), 'as many as were sent')
    for (const [index, { colour }] of seen.entries()) t.ok(distance(colour, COLOURS[index]!) < 8, `${colour} is ${COLOURS[index]}`)
  })
})
