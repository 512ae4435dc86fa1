import t, { type Test } from 'tap'
import { FakeClock, startServer, tokenOf, upload } from '../helper.js'
import { refused, send, type Answer } from '../http.js'

const json = (answer: Answer): unknown => JSON.parse(answer.body.toString())

/** A server with one event, and who asks it. */
async function setUp (t: Test) {
  const server = await startServer(t, {}, { clock: new FakeClock() })
  await upload(server.url, { spill: true })
  const tokens = { viewer: await tokenOf(server.app, 'viewer'), operator: await tokenOf(server.app, 'operator') }
  const ask = async (method: string, path: string, body?: unknown, role: keyof typeof tokens = 'operator'): Promise<Answer> =>
    await send(server.url, {
      method,
      path: `/api/oil_spill_events/${path}`,
      headers: { Authorization: `Bearer ${tokens[role]}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
  return { ...server, ask }
}

t.test('an event is reviewed, and reviewed again', async t => {
  const { ask } = await setUp(t)
  const made = await ask('POST', '1/review', { verdict: 'confirmed', oil_appearance_code: 2, notes: 'rainbow, drifts east' })
  t.equal(made.status, 201)
  const first = {
    review_id: 1, event_id: 1, at: '2023-06-23T14:30:22.123000', reviewer: 'operator', verdict: 'confirmed', look_alike: null, oil_appearance_code: 2, notes: 'rainbow, drifts east'
  }
  t.strictSame(json(made), first)
  const second = json(await ask('POST', '1/review', { verdict: 'false_positive', look_alike: 'ship_wake' }))
  t.match(second, { review_id: 2, verdict: 'false_positive', look_alike: 'ship_wake', notes: '' })
  t.strictSame(json(await ask('GET', '1/reviews', undefined, 'viewer')), [second, first])
})

t.test('a review that makes no sense is refused, and says why', async t => {
  const { ask } = await setUp(t)
  const table: Array<[body: unknown, code: string, message: RegExp]> = [
    [{ verdict: 'confirmed', look_alike: 'kelp' }, 'REVIEW_INVALID', /look_alike .* false_positive/],
    [{ verdict: 'false_positive', oil_appearance_code: 1 }, 'REVIEW_INVALID', /oil_appearance_code/],
    [{}, 'REQUEST_INVALID', /verdict/],
    [{ verdict: 'maybe' }, 'REQUEST_INVALID', /verdict/],
    [{ verdict: 'confirmed', oil_appearance_code: 6 }, 'REQUEST_INVALID', /oil_appearance_code/],
    [{ verdict: 'confirmed', oil_appearance_code: 1.5 }, 'REQUEST_INVALID', /oil_appearance_code/],
    [{ verdict: 'false_positive', look_alike: 'whale' }, 'REQUEST_INVALID', /look_alike/],
    [{ verdict: 'confirmed', notes: 'x'.repeat(4001) }, 'REQUEST_INVALID', /notes/],
    [{ verdict: 'confirmed', extra: 1 }, 'REQUEST_INVALID', /extra/]
  ]
  for (const [body, code, message] of table) {
    const answer = await ask('POST', '1/review', body)
    await refused(t, answer, 400, code)
    t.match(answer.body.toString(), message, JSON.stringify(body).slice(0, 80))
  }
  t.strictSame(json(await ask('GET', '1/reviews')), [])
})

t.test('an event is acknowledged once', async t => {
  const { ask, app } = await setUp(t)
  t.strictSame(json(await ask('GET', '1/acknowledgement', undefined, 'viewer')), { acknowledged_at: null, acknowledged_by: null })
  const first = { acknowledged_at: '2023-06-23T14:30:22.123000', acknowledged_by: 'operator' }
  t.strictSame(json(await ask('POST', '1/acknowledge')), first);
  (app.clock as FakeClock).advance(1000)
  t.strictSame(json(await ask('POST', '1/acknowledge', {})), first)
  t.strictSame(json(await ask('GET', '1/acknowledgement', undefined, 'viewer')), first)
})

t.test('an event is held for a reason, and released', async t => {
  const { ask } = await setUp(t)
  for (const body of [{}, { reason: '' }, { reason: ' ' }]) await refused(t, await ask('POST', '1/hold', body), 400, 'REQUEST_INVALID')
  t.strictSame(json(await ask('POST', '1/hold', { reason: 'a case' })), { held: true })
  t.strictSame(json(await ask('POST', '1/release')), { held: false })
  t.strictSame(json(await ask('POST', '1/release', { reason: 'closed' })), { held: false })
  t.match(json(await ask('GET', '1/holds', undefined, 'viewer')), [{ held: false, username: 'operator' }, { held: true, reason: 'a case', username: 'operator', event_id: 1 }])
})

t.test('what is not there', async t => {
  const { ask } = await setUp(t)
  const table: Array<[method: string, path: string, body?: unknown]> = [
    ['POST', 'review', { verdict: 'unsure' }], ['GET', 'reviews'], ['POST', 'acknowledge'], ['GET', 'acknowledgement'], ['POST', 'hold', { reason: 'x' }], ['POST', 'release'], ['GET', 'holds']
  ]
  for (const [method, path, body] of table) {
    await refused(t, await ask(method, `2/${path}`, body), 404, 'EVENT_NOT_FOUND')
    await refused(t, await ask(method, `x/${path}`, body), 400, 'REQUEST_INVALID')
  }
})

t.test('who may only look says nothing', async t => {
  const { ask } = await setUp(t)
  const table: Array<[path: string, body?: unknown]> = [['review', { verdict: 'unsure' }], ['acknowledge'], ['hold', { reason: 'x' }], ['release']]
  for (const [path, body] of table) await refused(t, await ask('POST', `1/${path}`, body, 'viewer'), 403, 'ROLE_MISSING')
})

t.test('a part of a merged event says where to go', async t => {
  const { ask, app } = await setUp(t)
  await app.sql.call('changeEvent', { eventId: 1, endedAtMs: app.clock.nowMs() + 1000, clearAfterMs: null }, undefined)
  const { newDetection, newEvent } = await import('../store/support.js')
  await app.sql.call('changeEvent', undefined, newEvent(100))
  await app.sql.call('joinEvent', { eventId: 1, mergedEventId: 2, evidence: null, reopens: false, detection: newDetection(50) })
  const answer = await ask('POST', '2/review', { verdict: 'confirmed' })
  await refused(t, answer, 409, 'EVENT_MERGED')
  t.match(answer.body.toString(), /event 1/)
  t.equal((await ask('GET', '2/reviews')).status, 200, 'it can be looked at')
})
