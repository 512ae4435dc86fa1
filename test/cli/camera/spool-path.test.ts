import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { findSpoolPath } from '../../../src/cli/camera/spool-path.js'

const options = { spool: undefined, file: 'rtsp://cam', inbox: undefined, server: new URL('https://sea.example:8443/watch'), cameraId: 'north-jetty' }

t.test('the one given, the service\'s, the user\'s', async t => {
  t.equal(findSpoolPath({ ...options, spool: 'here' }, {}), resolve('here'))
  t.equal(findSpoolPath(options, { STATE_DIRECTORY: '/var/lib/a:/var/lib/b', XDG_STATE_HOME: '/x' }), '/var/lib/a/sea.example_8443-north-jetty')
  t.equal(findSpoolPath(options, { XDG_STATE_HOME: '/x' }), '/x/videostream-camera/sea.example_8443-north-jetty')
  t.equal(findSpoolPath({ ...options, cameraId: undefined, file: undefined, inbox: 'drop' }, { STATE_DIRECTORY: '', XDG_STATE_HOME: '' }),
    join(homedir(), '.local/state/videostream-camera/sea.example_8443-default'))
})

t.test('the simulated sea has none, unless one is given', async t => {
  t.equal(findSpoolPath({ ...options, file: undefined }, { STATE_DIRECTORY: '/x' }), undefined)
  t.equal(findSpoolPath({ ...options, file: undefined, spool: '/x' }, {}), '/x')
})
