import t from 'tap'
import { CameraError } from '../../../src/cli/camera/camera-error.js'

t.test('it has an exit code, 1 unless another is given', async t => {
  t.match(new CameraError('why'), { name: 'CameraError', message: 'why', exitCode: 1 })
  t.equal(new CameraError('why', 2).exitCode, 2)
})
