/** Dots a character is wide and high. */
const glyphWidth = 5
const glyphHeight = 7

/**
 * A font of 5x7 dots: for each character seven rows from the top, each a digit in base 32 whose bits are the row's
 * dots, the leftmost one highest. Characters that are not here come out as spaces.
 */
const glyphs = new Map(`
  0=ehjlphe 1=4c4444e 2=eh1248v 3=v2421he 4=26aiv22 5=vgu11he 6=68guhhe 7=v124888 8=ehhehhe 9=ehhf12c
  A=ehhvhhh B=uhhuhhu C=ehggghe D=sihhhis E=vgguggv F=vgguggg G=ehgnhhf H=hhhvhhh I=e44444e J=72222ic K=hikokih
  L=ggggggv M=hrllhhh N=hhpljhh O=ehhhhhe P=uhhuggg Q=ehhhlid R=uhhukih S=fgge11u T=v444444 U=hhhhhhe V=hhhhha4
  W=hhhllla X=hha4ahh Y=hhha444 Z=v1248gv .=00000cc :=0cc0cc0 -=000v000
`.trim().split(/\s+/).map((entry): [string, string] => [entry.charAt(0), entry.slice(2)]))

/** A picture to write on: RGBA, four bytes a pixel. */
export interface Canvas { data: Uint8Array, width: number, height: number }

/**
 * Writes one line of capitals and digits, white on a darkened strip, into a picture. What does not fit is cut off.
 * @param dotPixels how many pixels wide and high each of a character's dots is
 */
export function drawCaption (canvas: Canvas, text: string, { left, top, dotPixels }: { left: number, top: number, dotPixels: number }): void {
  const margin = 2 * dotPixels
  const width = text.length * (glyphWidth + 1) * dotPixels
  paint(canvas, left, top, width + 2 * margin - dotPixels, glyphHeight * dotPixels + 2 * margin, value => value >> 1)
  Array.from(text).forEach((character, i) => {
    const glyph = glyphs.get(character) ?? '0000000'
    const glyphLeft = left + margin + i * (glyphWidth + 1) * dotPixels
    for (let row = 0; row < glyphHeight; row++) {
      const dots = parseInt(glyph.charAt(row), 32)
      for (let column = 0; column < glyphWidth; column++) {
        if ((dots & 16 >> column) === 0) continue
        paint(canvas, glyphLeft + column * dotPixels, top + margin + row * dotPixels, dotPixels, dotPixels, () => 240)
      }
    }
  })
}

/** Changes red, green and blue of every pixel in a rectangle, as far as it lies in the picture. */
function paint (canvas: Canvas, left: number, top: number, width: number, height: number, change: (value: number) => number): void {
  const right = Math.min(left + width, canvas.width)
  const bottom = Math.min(top + height, canvas.height)
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = (y * canvas.width + x) * 4
      for (let i = at; i < at + 3; i++) canvas.data[i] = change(canvas.data[i]!)
    }
  }
}
