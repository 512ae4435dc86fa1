import t from 'tap'
import { withoutSecrets } from '../../../src/cli/camera/without-secrets.js'

t.test('user names and passwords are taken out of addresses', async t => {
  t.equal(withoutSecrets('open rtsp://me:secret@cam/1: rtsp://me@cam/2 failed'), 'open rtsp://***@cam/1: rtsp://***@cam/2 failed')
  t.equal(withoutSecrets('https://cam/a@b and /home/me@work'), 'https://cam/a@b and /home/me@work')
})

t.test('values of queries are taken out, their names are not', async t => {
  t.equal(withoutSecrets('http://cam/video?user=me&pwd=secret&x: 404'), 'http://cam/video?user=***&pwd=***&x: 404')
  t.equal(withoutSecrets('rtsp://me:a?b=c@cam/1?token=a=b%26c end'), 'rtsp://***@cam/1?token=*** end')
  t.equal(withoutSecrets('why? a=b and c&d'), 'why? a=b and c&d')
})
