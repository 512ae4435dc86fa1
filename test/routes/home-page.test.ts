import { Script } from 'node:vm'
import t from 'tap'
import { homePage, HOME_SCRIPT, HOME_STYLE, RUNNING } from '../../src/routes/home-page.js'

const HOME_PAGE = homePage(undefined)

t.test('the line is the original program\'s, word for word', async t => {
  t.equal(RUNNING, 'Video Streaming Server is running')
})

t.test('the page brings its script and style, and the script is JavaScript', async t => {
  t.match(HOME_PAGE, HOME_SCRIPT)
  t.match(HOME_PAGE, HOME_STYLE)
  t.doesNotThrow(() => new Script(HOME_SCRIPT))
})

t.test('every place that the script fills is on the page', async t => {
  const filled = [...HOME_SCRIPT.matchAll(/(?:show\(|getElementById\()'(\w+)'/g)].map(([, id]) => id ?? '')
  t.ok(filled.length > 5)
  for (const id of filled) t.match(HOME_PAGE, `id="${id}"`)
})
