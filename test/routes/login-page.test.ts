import t from 'tap'
import { escaped, LOGIN_STYLE, loginPage } from '../../src/routes/login-page.js'

t.test('a form that needs no script', async t => {
  const page = loginPage({ next: '/stream?a=1&b=2' })
  t.match(page, '<form method="post" action="/login">')
  t.match(page, '<input type="hidden" name="next" value="/stream?a=1&amp;b=2">')
  t.match(page, 'name="password" type="password" autocomplete="current-password"')
  t.match(page, `<style>${LOGIN_STYLE}</style>`)
  t.notMatch(page, '<script')
  t.notMatch(page, 'role="alert"')
})

t.test('it says what was wrong, keeps the name and not the password', async t => {
  const page = loginPage({ next: '/', username: 'jane', problem: 'Wrong.' })
  t.match(page, '<p role="alert">Wrong.</p>')
  t.match(page, 'name="username" value="jane"')
})

t.test('nothing that somebody typed becomes part of the page', async t => {
  t.equal(escaped('<a href="x">\'&'), '&lt;a href=&quot;x&quot;&gt;&#39;&amp;')
  const page = loginPage({ next: '/"><script>1</script>', username: '"><script>2</script>', problem: '<script>3</script>' })
  t.notMatch(page, '<script')
})
