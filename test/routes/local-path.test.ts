import t from 'tap'
import { localPath } from '../../src/routes/local-path.js'

t.test('a path of this server', async t => {
  const table: Array<[string, string]> = [['/', '/'], ['/stream?fps=5#x', '/stream?fps=5#x'], ['/a/../b', '/b'], ['/\u00e4', '/%C3%A4'], ['/?next=//evil.example', '/?next=//evil.example']]
  for (const [text, path] of table) t.equal(localPath(text), path)
})

t.test('what leads elsewhere, or nowhere, is the page', async t => {
  const table = [
    undefined, '', 'stream', 'https://evil.example', '//evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example', '/\n/evil.example', '\t//evil.example', ' //evil.example',
    '/.//evil.example', '/a/..//evil.example', '/./\\evil.example', 'javascript:alert(1)', '//', '///evil.example', '/\\/evil.example', '//here.invalid@evil.example', '//[', '//here.invalid/x//y'.replace('/x', '')
  ]
  for (const text of table) t.equal(localPath(text), '/', JSON.stringify(text))
})

t.test('what a browser makes of the result is on this server', async t => {
  const pieces = ['/', '\\', '.', '\t', '\r\n', '@', ':', 'evil.example', '%2f', '?', '#', ' ', 'x']
  for (let i = 0; i < 20_000; i += 1) {
    let text = '/'
    for (let n = i; n > 0; n = Math.floor(n / pieces.length)) text += pieces[n % pieces.length]
    if (new URL(localPath(text), 'http://server.example').host !== 'server.example') t.fail(JSON.stringify(text))
  }
})
