import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { temporaryFolder, until } from '../helper.js'
import { httpServer } from '../outbound/servers.js'
import { Pull } from './pull.js'

/** A program that takes the place of ffmpeg. */
function script (t: Test, lines: string): { folder: string, ffmpeg: string } {
  const folder = temporaryFolder(t)
  const ffmpeg = join(folder, 'ffmpeg')
  writeFileSync(ffmpeg, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  return { folder, ffmpeg }
}

/** An address of video that never ends. */
const video = async (t: Test) => (await httpServer(t, (_request, response) => { response.writeHead(200, { 'Content-Type': 'video/mp2t' }).write('x') })).url

t.test('ffmpeg may read its pipe and nothing else, and gets nothing of the address', async t => {
  const { ffmpeg } = script(t, 'echo "$*" | cut -c1-250 >&2')
  const pull = new Pull(t, `${await video(t)}/-i;$(id)?topsecret`, { ffmpeg })
  await pull.untilState(/^waiting: ffmpeg: .*-protocol_whitelist pipe -format_whitelist mpegts\S+ -use_wallclock_as_timestamps 1 -i pipe:0 /)
  t.notMatch(pull.states.join(), /topsecret|id\)/)
})

t.test('an ffmpeg that does not end by itself is killed', async t => {
  const { folder, ffmpeg } = script(t, 'echo $$ > "$(dirname "$0")/pid"; exec sleep 600')
  const pull = new Pull(t, await video(t), { ffmpeg })
  await until(() => existsSync(join(folder, 'pid')) && readFileSync(join(folder, 'pid'), 'utf8').endsWith('\n'))
  await pull.stop()
  t.notOk(existsSync(`/proc/${readFileSync(join(folder, 'pid'), 'utf8').trim()}`))
})

t.test('an ffmpeg that writes what is no stream is killed and told', async t => {
  const { ffmpeg } = script(t, 'yes; exec sleep 600')
  const pull = new Pull(t, await video(t), { ffmpeg })
  await pull.untilState(/^waiting: No line of the first \d+ bytes begins with "--"/)
})

t.test('what ffmpeg says last is told, without the addresses in it', async t => {
  const { ffmpeg } = script(t, 'echo "first" >&2; echo "rtmp://127.0.0.1:1/app/topsecret: no such thing" >&2; exit 1')
  const pull = new Pull(t, await video(t), { ffmpeg })
  await pull.untilState(/^waiting: ffmpeg: the source no such thing$/)
})
