import t from 'tap'
import { startServer, upload } from '../helper.js'

t.test('each server has its own newest frame', async t => {
  const [one, other] = [await startServer(t), await startServer(t)]
  await upload(one.url)
  t.equal(one.app.cameras.default.frames.newest?.sequence, 1)
  t.equal(other.app.cameras.default.frames.newest, undefined)
})
