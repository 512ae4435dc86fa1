import t from 'tap'
import { LOOK_ALIKES, mergedVerdict, reviewProblem, type Review } from '../../src/core/review.js'
import { NewReview } from '../../src/schemas/review.js'

const review = (options: Partial<Review>): Review => ({ verdict: 'confirmed', lookAlike: null, oilAppearanceCode: null, notes: '', ...options })

t.test('a look-alike goes with a false positive only, and an oil appearance code with oil only', async t => {
  const table: Array<[Partial<Review>, RegExp | undefined]> = [
    [{}, undefined],
    [{ oilAppearanceCode: 5 }, undefined],
    [{ verdict: 'unsure', oilAppearanceCode: 1 }, undefined],
    [{ verdict: 'false_positive' }, undefined],
    [{ verdict: 'false_positive', lookAlike: 'kelp' }, undefined],
    [{ lookAlike: 'kelp' }, /^look_alike /],
    [{ verdict: 'unsure', lookAlike: 'kelp' }, /^look_alike /],
    [{ verdict: 'false_positive', oilAppearanceCode: 1 }, /^oil_appearance_code /]
  ]
  for (const [options, problem] of table) {
    const said = reviewProblem(review(options))
    if (problem === undefined) t.equal(said, undefined, JSON.stringify(options))
    else t.match(said, problem, JSON.stringify(options))
  }
})

t.test('of two events that are one, only what was said of both counts', async t => {
  const verdicts = ['confirmed', 'false_positive', 'unsure', null] as const
  for (const first of verdicts) for (const second of verdicts) t.equal(mergedVerdict(first, second), first === second ? first : null)
})

t.test('the API takes every look-alike and no other', async t => {
  t.strictSame(NewReview.properties.look_alike.anyOf.map(({ const: name }) => name), [...LOOK_ALIKES])
})
