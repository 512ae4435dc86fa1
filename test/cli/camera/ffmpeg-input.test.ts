import { join } from 'node:path'
import t from 'tap'
import { describeInput } from '../../../src/cli/camera/ffmpeg-input.js'

t.test('cameras and addresses are live', async t => {
  const cases: Array<[source: string, args: string[]]> = [
    ['rtsp://cam/1', ['-rtsp_transport', 'tcp', '-i', 'rtsp://cam/1']],
    ['RTSPS://cam/1', ['-rtsp_transport', 'tcp', '-i', 'RTSPS://cam/1']],
    ['http://cam/stream', ['-use_wallclock_as_timestamps', '1', '-i', 'http://cam/stream']],
    ['https://site/sea.mp4?size=2', ['-re', '-i', 'https://site/sea.mp4?size=2']],
    ['/dev/video0', ['-f', 'v4l2', '-i', '/dev/video0']]
  ]
  for (const [source, args] of cases) t.strictSame(await describeInput(source, 10), { args, live: true })
})

t.test('files, folders and patterns of images play over and over at their own speed', async t => {
  const folder = t.testdir({
    'clip.mp4': '', '-i 100%d.JPG': '', 'many[1]': { 'b.txt': '', 'c.png': '', 'd.jpg': '' }
  })
  const images = (type: string, pattern: string) => ({
    args: ['-re', '-f', 'image2', '-loop', '1', '-framerate', '4', '-pattern_type', type, '-i', pattern], live: false
  })
  const clip = join(folder, 'clip.mp4')
  t.strictSame(await describeInput(clip, 4), { args: ['-re', '-stream_loop', '-1', '-i', clip], live: false })
  t.strictSame(await describeInput(join(folder, '-i 100%d.JPG'), 4), images('none', join(folder, '-i 100%d.JPG')))
  t.strictSame(await describeInput(join(folder, 'many[1]'), 4), images('glob', join(folder, 'many\\[1]', '*.png')))
  t.strictSame(await describeInput(join(folder, '*.jpg'), 4), images('glob', join(folder, '*.jpg')))
})

t.test('a file that is not there, or a folder without images, is told of', async t => {
  const folder = t.testdir({ 'b.txt': '' })
  await t.rejects(describeInput('/no/such.mp4', 4), { name: 'CameraError', exitCode: 1, message: /^--file: ENOENT.*\/no\/such\.mp4/ })
  await t.rejects(describeInput(folder, 4), { name: 'CameraError', message: `--file: there are no images in ${folder}` })
})
