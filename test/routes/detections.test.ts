import t from 'tap'
import { FakeClock, jpeg, startServer, upload } from '../helper.js'
import { refused, send } from '../http.js'
import { newDetection } from '../store/support.js'

type Json = Record<string, unknown>
const list = async (url: string, path: string): Promise<Json[]> => await (await fetch(url + path)).json() as Json[]

t.test('every frame of an event that reported the spill, in the order in which they were taken', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  for (let i = 0; i < 3; i += 1) {
    await upload(url, { spill: true, jpeg: jpeg({ color: [i, 0, 0] }), headers: { 'X-Frame-Sequence': String(i) } })
    clock.advance(1000)
  }
  await upload(url)
  await upload(url, { spill: true, headers: { 'X-Frame-Sequence': '4' } })
  const answer = await send(url, { path: '/api/oil_spill_events/1/detections' })
  t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  const detections = JSON.parse(answer.body.toString()) as Json[]
  t.strictSame(detections.map(({ frame_sequence: sequence, taken_at: takenAt }) => [sequence, takenAt]), [
    [0, '2023-06-23T14:30:22.123000'], [1, '2023-06-23T14:30:23.123000'], [2, '2023-06-23T14:30:24.123000']
  ])
  t.strictSame(detections[1], {
    taken_at: '2023-06-23T14:30:23.123000',
    captured_at: null,
    received_at: '2023-06-23T14:30:23.123000',
    clock_skew_seconds: null,
    frame_sequence: 1,
    sha256: detections[1]?.['sha256'],
    size_bytes: jpeg({ color: [1, 0, 0] }).length,
    width: 16,
    height: 8,
    frame_path: null,
    confidence: null,
    boxes: null,
    model_version: null,
    latitude: null,
    longitude: null,
    heading: null
  }, 'what a camera does not say is null')
  t.equal(detections[0]?.['frame_path'], 'oil_spill_frames/oil_spill_20230623_143022.jpg', 'the frame that opened it is kept')
  t.equal((await list(url, '/api/oil_spill_events/2/detections')).length, 1)
})

t.test('an event of many detections comes whole', async t => {
  const { app, url } = await startServer(t)
  await upload(url, { spill: true })
  await app.eventRepository.addDetections(Array.from({ length: 1234 }, (_, nth) => ({ eventId: 1, detection: newDetection(nth) })))
  t.equal((await list(url, '/api/oil_spill_events/1/detections')).length, 1235)
})

t.test('404 for an event that is not there, 400 for an id that is none, 503 where the history cannot be read', async t => {
  const { app, url } = await startServer(t)
  await upload(url, { spill: true })
  await refused(t, await send(url, { path: '/api/oil_spill_events/2/detections' }), 404, 'EVENT_NOT_FOUND')
  for (const id of ['0', '-1', 'abc', '1.5', '9007199254740992']) await refused(t, await send(url, { path: `/api/oil_spill_events/${id}/detections` }), 400, 'REQUEST_INVALID')
  await app.sql.close()
  await refused(t, await send(url, { path: '/api/oil_spill_events/1/detections' }), 503, 'HISTORY_UNAVAILABLE')
})
