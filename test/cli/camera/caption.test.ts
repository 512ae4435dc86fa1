import t from 'tap'
import { drawCaption, type Canvas } from '../../../src/cli/camera/caption.js'

const grey = (width: number, height: number): Canvas => ({ data: new Uint8Array(width * height * 4).fill(100), width, height })

/** The picture as text: # is white, . is darkened, a space is as before. */
function look ({ data, width, height }: Canvas): string[] {
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => {
    const red = data[(y * width + x) * 4]!
    return red === 240 ? '#' : red === 50 ? '.' : ' '
  }).join(''))
}

t.test('characters are drawn dot by dot on a darkened strip', async t => {
  const canvas = grey(18, 13)
  drawCaption(canvas, 'A1', { left: 1, top: 1, dotPixels: 1 })
  t.strictSame(look(canvas), [
    '                  ',
    ' ...............  ',
    ' ...............  ',
    ' ...###....#....  ',
    ' ..#...#..##....  ',
    ' ..#...#...#....  ',
    ' ..#####...#....  ',
    ' ..#...#...#....  ',
    ' ..#...#...#....  ',
    ' ..#...#..###...  ',
    ' ...............  ',
    ' ...............  ',
    '                  '
  ])
  t.ok(canvas.data.every((byte, i) => i % 4 !== 3 || byte === 100), 'the fourth byte is left alone')
})

t.test('larger dots are squares, and unknown characters are spaces', async t => {
  const canvas = grey(40, 24)
  drawCaption(canvas, '-?', { left: 0, top: 0, dotPixels: 2 })
  const white = look(canvas).map(line => line.replaceAll('.', ' ').trim()).filter(line => line !== '')
  t.strictSame(white, ['##########', '##########'])
})

t.test('what does not fit is cut off', async t => {
  const canvas = grey(6, 6)
  drawCaption(canvas, '888', { left: 1, top: 1, dotPixels: 1 })
  t.equal(canvas.data.length, 6 * 6 * 4)
  t.equal(look(canvas)[3], ' ...##')
})
