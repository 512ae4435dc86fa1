import t from 'tap'
import { Rest } from '../../src/core/rest.js'

/** Takes so long, as a piece of work does. */
async function work (ms: number): Promise<string> {
  for (const endMs = performance.now() + ms; performance.now() < endMs;);
  return 'done'
}

t.test('between two pieces it rests for a share of what the first took, and hands on at once what each gave', async t => {
  const slept: number[] = []
  const rest = new Rest(0.5, async ms => { slept.push(ms) })
  t.equal(await rest.before(async () => await work(20)), 'done')
  t.equal(slept.length, 0, 'nobody waits for a rest behind the last piece')
  t.equal(await rest.before(async () => await work(1)), 'done')
  t.equal(slept.length, 1)
  t.ok(slept[0] !== undefined && slept[0] >= 10)
})

t.test('what is too short for a timer adds up', async t => {
  const slept: number[] = []
  const rest = new Rest(0.1, async ms => { slept.push(ms) })
  for (let nth = 0; nth < 9; nth += 1) await rest.before(async () => await work(3))
  t.ok(slept.length >= 1 && slept.length < 9)
  t.ok(slept.every(ms => ms >= 1))
})

t.test('a rest that was longer than it was to be is made up for', async t => {
  const slept: number[] = []
  const rest = new Rest(0.5, async ms => {
    slept.push(ms)
    await work(300)
  })
  for (let nth = 0; nth < 3; nth += 1) await rest.before(async () => await work(10))
  t.equal(slept.length, 1)
})

t.test('a failure is handed on', async t => {
  await t.rejects(new Rest(1, async () => {}).before(async () => { throw new Error('the disk is gone') }), { message: 'the disk is gone' })
})
