import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'

/** Debian's, which its packages belong to; another Python may come first in PATH. */
const PYTHON = '/usr/bin/python3'

/** A camera that sends ten JPEGs a second over RTSP, under /live/cam, to whoever has the user name and password, where they are given. */
const PROGRAM = `
import sys, gi
gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
gi.require_version('GstRtsp', '1.0')
from gi.repository import Gst, GstRtsp, GstRtspServer, GLib
Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch('( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )')
factory.set_shared(True)
if sys.argv[1] == 'probe':
    assert all(Gst.ElementFactory.find(name) for name in ['videotestsrc', 'jpegenc', 'rtpjpegpay'])
    sys.exit()
server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service('0')
if len(sys.argv) > 3:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string('media.factory.role', 'user')
    if sys.argv[1] == 'digest':
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(sys.argv[2], sys.argv[3], token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(sys.argv[2], sys.argv[3]), token)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role('user')
    permissions.add_permission_for_role('user', 'media.factory.access', True)
    permissions.add_permission_for_role('user', 'media.factory.construct', True)
    factory.set_permissions(permissions)
    server.set_auth(auth)
server.get_mount_points().add_factory('/live/cam', factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
`

/**
 * The options of a test that needs a real RTSP server: GStreamer's, from Debian's gir1.2-gst-rtsp-server-1.0, python3-gi,
 * gstreamer1.0-plugins-base and gstreamer1.0-plugins-good.
 * @throws Error instead of skipping, where VIDEOSTREAM_E2E_REQUIRE_ALL is 1
 */
export function needsRtspServer (): { skip: string | false } {
  if (spawnSync(PYTHON, ['-c', PROGRAM, 'probe'], { stdio: 'ignore' }).status === 0) return { skip: false }
  const skip = 'GStreamer\'s RTSP server (gir1.2-gst-rtsp-server-1.0) is not installed'
  if (process.env['VIDEOSTREAM_E2E_REQUIRE_ALL'] === '1') throw new Error(`${skip}, and VIDEOSTREAM_E2E_REQUIRE_ALL is 1`)
  return { skip }
}

/** Starts it on a free port of the loopback, until the test ends. */
export async function rtspServer (t: Test, auth?: { method: 'basic' | 'digest', user: string, password: string }): Promise<number> {
  const args = auth === undefined ? ['open'] : [auth.method, auth.user, auth.password]
  const child = spawn(PYTHON, ['-c', PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(async () => {
    const closed = once(child, 'close')
    if (child.kill('SIGKILL')) await closed
  })
  const [port] = await once(child.stdout.setEncoding('utf8'), 'data') as [string]
  return Number(port)
}
