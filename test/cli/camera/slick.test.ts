import t from 'tap'
import { isVisible, slickAt } from '../../../src/cli/camera/slick.js'

const seed = 7
const tenths = Array.from({ length: 2400 }, (_, i) => i)

/** The moments at which a slick comes into the picture and goes out of it. */
function changes (): Array<[visible: boolean, atSeconds: number]> {
  const visibleAt = (tenth: number) => isVisible(slickAt(tenth / 10, seed))
  return tenths.flatMap(tenth => visibleAt(tenth) !== visibleAt(tenth - 1) ? [[visibleAt(tenth), tenth / 10]] : [])
}

t.test('the first slick comes within 20 s, stays for about 15 s, and one comes every minute', async t => {
  const seen = changes()
  t.strictSame(seen.map(([visible]) => visible), [true, false, true, false, true, false, true, false])
  t.ok(seen[0]![1] > 5 && seen[0]![1] < 20)
  for (let i = 0; i < seen.length; i += 2) {
    const lastedSeconds = seen[i + 1]![1] - seen[i]![1]
    t.ok(lastedSeconds > 13 && lastedSeconds < 17, `${lastedSeconds} s`)
    t.ok(i === 0 || Math.abs(seen[i]![1] - seen[i - 2]![1] - 60) < 1)
  }
})

t.test('there is none before the first and none between', async t => {
  t.equal(slickAt(0, seed), undefined)
  t.equal(slickAt(45, seed), undefined)
})

t.test('it spreads, drifts, and takes turns in kind', async t => {
  const young = slickAt(13, seed)!
  const old = slickAt(24, seed)!
  t.ok(old.radiusXMetres > young.radiusXMetres * 1.3)
  t.ok(old.radiusZMetres > young.radiusZMetres * 1.3)
  t.not(old.centreXMetres, young.centreXMetres)
  t.equal(young.kind, 'rainbow')
  t.equal(slickAt(73, seed)!.kind, 'dark')
  t.not(slickAt(73, seed)!.radiusXMetres, young.radiusXMetres)
})

t.test('it comes up and fades slowly', async t => {
  t.ok(slickAt(10.5, seed)!.strength < 0.2)
  t.equal(slickAt(19, seed)!.strength, 1)
  t.ok(slickAt(27.5, seed)!.strength < 0.2)
  t.equal(isVisible(slickAt(10.5, seed)), false)
})
