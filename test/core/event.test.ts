import t from 'tap'
import { evidencePath, thumbnailPath } from '../../src/core/event.js'

const AT_MS = Date.UTC(2023, 5, 23, 14, 30, 22, 123)

t.test('the first event of a second has the seed\'s path', async t => {
  t.equal(evidencePath(AT_MS, 1), 'oil_spill_frames/oil_spill_20230623_143022.jpg')
})

t.test('further events of that second get a suffix', async t => {
  t.equal(evidencePath(AT_MS, 2), 'oil_spill_frames/oil_spill_20230623_143022_2.jpg')
  t.equal(evidencePath(AT_MS, 17), 'oil_spill_frames/oil_spill_20230623_143022_17.jpg')
})

t.test('a thumbnail lies apart from evidence, under the name of its frame', async t => {
  t.equal(thumbnailPath(evidencePath(AT_MS, 2)), 'thumbnails/oil_spill_20230623_143022_2.jpg')
})
