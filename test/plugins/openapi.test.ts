import t from 'tap'
import { startServer } from '../helper.js'
import { send } from '../http.js'

t.test('the API is described at /documentation', async t => {
  const { url } = await startServer(t)
  const page = await send(url, { path: '/documentation' })
  t.equal(page.status, 200)
  t.match(page.headers['content-type'], 'text/html')
  const document = await (await fetch(`${url}/documentation/json`)).json() as { openapi: string, paths: object, components: { schemas: object } }
  t.match(document.openapi, /^3\.1/)
  t.strictSame(Object.keys(document.paths).filter(path => path.includes('documentation')), [])
  for (const name of ['Error', 'Status', 'DetectionSummary', 'OilSpillEvent']) t.ok(name in document.components.schemas, name)
})
