const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** A number of bytes as people read it, such as `12.3 MB`. */
export function sizeText (bytes: number): string {
  let unit = 0
  let number = bytes
  for (; number >= 1000 && unit < UNITS.length - 1; unit += 1) number /= 1000
  return `${unit === 0 ? number : number.toFixed(1)} ${UNITS[unit]}`
}

/** A number with its word, such as `1 file` or `2 files`. */
export function countText (count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
