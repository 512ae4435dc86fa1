import t from 'tap'
import { maskedSource, parseSourceUrl, sourceProblem } from '../../src/core/source-url.js'

t.test('addresses of cameras are taken, with their ports', async t => {
  const table: Array<[text: string, scheme: string, hostname: string, port: number]> = [
    ['http://camera.lan/snap.jpg?user=a&password=b', 'http', 'camera.lan', 80],
    ['HTTPS://Camera.LAN:8443/', 'https', 'camera.lan', 8443],
    ['rtsp://admin:s%40crt@192.168.1.64:554/Streaming/Channels/101?transportmode=unicast', 'rtsp', '192.168.1.64', 554],
    ['rtsp://camera', 'rtsp', 'camera', 554], ['rtsp://camera:443/', 'rtsp', 'camera', 443], ['rtsps://camera/', 'rtsps', 'camera', 322],
    ['rtmp://server/app/key', 'rtmp', 'server', 1935], ['rtmps://server/app/key', 'rtmps', 'server', 443],
    ['rtsp://[fd00::64]:8554/', 'rtsp', '[fd00::64]', 8554]
  ]
  for (const [text, scheme, hostname, port] of table) {
    t.match(parseSourceUrl(text), { scheme, hostname, port }, text)
    t.equal(sourceProblem(text), undefined, text)
  }
})

t.test('every notation of an address is brought into the usual one, also where the URL parser would leave it', async t => {
  for (const host of ['0x7f.1', '127.1', '2130706433', '0177.0.0.1', '%31%32%37.0.0.1', '127.0.0.1.']) {
    for (const scheme of ['http', 'rtsp', 'rtmps']) t.match(parseSourceUrl(`${scheme}://${host}/`), { hostname: '127.0.0.1' }, `${scheme} ${host}`)
  }
  t.match(parseSourceUrl('rtsp://[0:0:0:0:0:FFFF:7f00:1]/'), { hostname: '[::ffff:7f00:1]' })
})

t.test('what is no source is refused, with what to do', async t => {
  const table: Array<[text: string, problem: RegExp]> = [
    ['', /reads addresses of http/], ['camera.lan', /reads addresses of http/], ['/dev/video0', /edge agent/], ['file:///etc/passwd', /not file:; the edge agent/], ['FILE:///etc/passwd', /not file:;/],
    ['concat:a|b', /not concat:/], ['data:image/jpeg;base64,x', /not data:/], ['pipe:0', /not pipe:/], ['udp://239.0.0.1:1234', /not udp:/], ['srt://x:1', /not srt:/], ['tcp://x:1', /not tcp:/],
    ['subfile,,start,0,end,0,,:/etc/passwd', /reads addresses of http/], ['-i', /reads addresses of http/], ['async:http://x', /not async:/], ['httpproxy://x', /not httpproxy:/],
    ['http:camera', /two slashes/], ['rtsp:/camera', /two slashes/],
    ['http://', /no usable host/], ['rtsp://', /no usable host/], ['rtsp:///path', /no usable host/], ['rtsp://admin:pa#ss@camera/', /%40 %23 %3F %2F %25/], ['http://1.2.3.4.5/', /no usable host/],
    ['http://camera:99999/', /no usable host/], ['rtsp://[fe80::1%25eth0]/', /no usable host/], ['rtsp://a b/', /space/], ['http://a/\n', /control character/], ['http://a/\0', /control character/], [' http://a/', /space/],
    ['http://camera:0/', /no port 0/], ['rtmp://user:key@server/app', /takes no user name/], [`http://camera/${'x'.repeat(2048)}`, /longer than 2048/]
  ]
  for (const [text, problem] of table) t.match(sourceProblem(text), problem, text.slice(0, 60))
})

t.test('a problem does not repeat the address', async t => {
  for (const text of ['rtsp://admin:topsecret#x@camera/', 'udp://topsecret', 'http:topsecret', `http://a/${'topsecret'.repeat(400)}`]) t.notMatch(sourceProblem(text), /topsecret/)
})

t.test('passwords are masked', async t => {
  t.equal(maskedSource('rtsp://admin:secret@camera:8554/live?channel=1&pwd=x'), 'rtsp://***@camera:8554/live?channel=***&pwd=***')
  t.equal(maskedSource('http://camera/snap.jpg'), 'http://camera/snap.jpg')
  t.equal(maskedSource('http://key@camera/'), 'http://***@camera/')
  t.equal(maskedSource('no address: secret'), '***')
})
