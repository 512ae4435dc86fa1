import t from 'tap'
import { withoutSecrets } from '../../../src/cli/camera/without-secrets.js'

t.test('user names and passwords are taken out of addresses', async t => {
  t.equal(withoutSecrets('open rtsp://me:secret@cam/1: rtsp://me@cam/2 failed'), 'open rtsp://***@cam/1: rtsp://***@cam/2 failed')
  t.equal(withoutSecrets('https://cam/a@b and /home/me@work'), 'https://cam/a@b and /home/me@work')
})
