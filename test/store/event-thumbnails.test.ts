import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { EventThumbnails } from '../../src/store/event-thumbnails.js'
import { ThumbnailMaker } from '../../src/store/thumbnail-maker.js'
import type { ThumbnailState } from '../../src/store/clip-queries.js'
import { pictureOf } from '../clip-support.js'
import { temporaryFolder } from '../helper.js'

t.test('the index changes only where a frame has no thumbnail, or an earlier one had none', async t => {
  const folder = temporaryFolder(t)
  const maker = new ThumbnailMaker()
  t.teardown(async () => { await maker.close() })
  const noted: Array<[path: string, state: ThumbnailState]> = []
  const thumbnails = new EventThumbnails(folder, maker, { read: async () => pictureOf(1) }, {
    thumbnailState: async () => noted.at(-1)?.[1] ?? 'none',
    noteThumbnail: async (_eventId, path, state) => { noted.push([path, state]) }
  }, error => { t.error(error) })
  const make = async (name: string, jpeg: Buffer) => await thumbnails.make({ eventId: 1, framePath: `oil_spill_frames/${name}.jpg` }, jpeg)

  t.type(await make('a', pictureOf(1)), Buffer)
  t.ok(existsSync(join(folder, 'thumbnails/a.jpg')))
  t.strictSame(noted, [], 'its file tells of it')
  for (const name of ['b', 'b']) t.equal(await make(name, Buffer.from('no picture')), 'undecodable')
  t.strictSame(noted, [['oil_spill_frames/b.jpg', 'undecodable']], 'once')
  for (const name of ['c', 'c']) t.type(await make(name, pictureOf(2)), Buffer)
  t.strictSame(noted.slice(1), [['oil_spill_frames/c.jpg', 'none']], 'an earlier frame of the event can be decoded')
})

t.test('what a crash left of a thumbnail is written over, and many at once are each whole', async t => {
  const folder = temporaryFolder(t)
  const maker = new ThumbnailMaker()
  t.teardown(async () => { await maker.close() })
  writeFileSync(join(folder, '.thumbnail.part'), 'half of on')
  const thumbnails = new EventThumbnails(folder, maker, { read: async () => pictureOf(1) }, {
    thumbnailState: async () => 'none', noteThumbnail: async () => {}
  }, error => { t.error(error) })
  const names = ['a', 'b', 'c', 'd']
  const made = await Promise.all(names.map(async (name, nth) => await thumbnails.make({ eventId: nth, framePath: `oil_spill_frames/${name}.jpg` }, pictureOf(nth))))
  for (const [nth, name] of names.entries()) t.strictSame(readFileSync(join(folder, `thumbnails/${name}.jpg`)), made[nth])
  t.strictSame(readdirSync(folder), ['thumbnails'])
})
