import Fastify from 'fastify'
import t from 'tap'
import clockPlugin from '../../src/plugins/clock.js'
import { systemClock } from '../../src/core/clock.js'
import { buildApp } from '../../src/app.js'
import { FakeClock, testConfig } from '../helper.js'

t.test('the clock that was given is the application\'s', async t => {
  const app = Fastify()
  const clock = new FakeClock()
  await app.register(clockPlugin, { clock })
  t.equal(app.clock, clock)
})

t.test('without one it is the machine\'s', async t => {
  const app = await buildApp(testConfig(t), { logger: false })
  t.equal(app.clock, systemClock)
  await app.close()
})
