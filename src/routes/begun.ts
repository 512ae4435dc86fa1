/**
 * Takes the first piece before an answer begins, so that a failure can still become a status, and gives it again with the
 * others behind it. Whoever has no use for them any more calls `return`: it ends what makes the pieces, also where none
 * was taken. Rejects with what the first rejects with.
 */
export async function begun<Piece> (pieces: AsyncGenerator<Piece, void>): Promise<AsyncIterator<Piece, void>> {
  let first: IteratorResult<Piece, void> | undefined = await pieces.next()
  // Not a generator: one that was never asked for anything runs none of its `finally`.
  return {
    async next () {
      if (first === undefined) return await pieces.next()
      const taken = first
      first = undefined
      return taken
    },
    async return () {
      first = undefined
      return await pieces.return()
    }
  }
}
