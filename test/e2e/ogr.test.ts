import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { upload } from '../helper.js'
import { startServerProcess } from './server-process.js'

const problem = spawnSync('ogrinfo', ['--version']).status === 0 ? false : 'ogrinfo (gdal-bin), by which QGIS reads maps, is not installed here'

/** What ogrinfo prints of a layer at an address. */
async function ogrinfo (url: string): Promise<string> {
  const child = spawn('ogrinfo', ['-al', url], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GDAL_HTTP_TIMEOUT: '60' } })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { text += String(chunk) })
  await once(child, 'close')
  return text
}

t.test('the library of QGIS opens the history by its address', { skip: problem }, async t => {
  const { url } = await startServerProcess(t)
  await upload(url, { spill: true, headers: { 'X-Latitude': '58.5', 'X-Longitude': '-2.25', 'X-Detection-Confidence': '0.75' } })
  await upload(url)
  await upload(url, { spill: true })
  const text = await ogrinfo(`${url}/api/oil_spill_events?format=geojson`)
  t.match(text, /using driver `GeoJSON' successful/)
  t.match(text, /Geometry: Point/)
  t.match(text, /Feature Count: 2/)
  t.match(text, /POINT \(-2\.25 58\.5\)/)
  t.match(text, /peak_confidence \(Real\) = 0\.75/)
  t.match(text, /camera_id \(String\) = default/)
  t.match(text, /WGS 84/)
})
