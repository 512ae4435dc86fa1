/** A spooled frame as far as thinning goes. */
export interface Thinnable {
  readonly sequence: number
  readonly runId: number
  readonly byteCount: number
  /** It shows no spill, and is kept to tell that its run ended. */
  readonly isClear: boolean
}

/**
 * Chooses which frames to give up when a spool is full. What matters of a run of detections is that it was, when it
 * began and when it ended, so the frames between its first and its last go first, of the longest run, evenly: every
 * other one at most at a time, those that lie closest to their neighbours. When no run has any left, the frames without a
 * spill that ended the oldest runs go, then the last frames of the oldest runs, and then the oldest runs: their day with
 * the server ends first.
 *
 * @param frames in the order of their sequence numbers
 * @param byteCount how many bytes have to become free
 * @returns the frames to give up, which are all where all are not enough
 */
export function chooseVictims<T extends Thinnable> (frames: readonly T[], byteCount: number): T[] {
  const victims: T[] = []
  const freed = { bytes: 0 }
  const giveUp = (frame: T): void => {
    victims.push(frame)
    freed.bytes += frame.byteCount
  }
  const runs = runsOf(frames.filter(frame => !frame.isClear))
  while (freed.bytes < byteCount) {
    const longest = runs.reduce((longest, run, i) => run.length > (runs[longest]?.length ?? 0) ? i : longest, 0)
    const run = runs[longest] ?? []
    if (run.length < 3) break
    const between = closestBetween(run)
    between.forEach(giveUp)
    runs[longest] = run.filter(frame => !between.has(frame))
  }
  for (const frame of [...frames.filter(({ isClear }) => isClear), ...[1, 0].flatMap(last => runs.map(run => run[last]))]) {
    if (freed.bytes < byteCount && frame !== undefined) giveUp(frame)
  }
  return victims
}

function runsOf<T extends Thinnable> (frames: readonly T[]): T[][] {
  const runs = new Map<number, T[]>()
  for (const frame of frames) {
    const run = runs.get(frame.runId)
    if (run === undefined) runs.set(frame.runId, [frame])
    else run.push(frame)
  }
  return [...runs.values()]
}

/** About half of the frames between the first and the last, no two of them neighbours, at least one. */
function closestBetween<T extends Thinnable> (run: readonly T[]): Set<T> {
  const gaps = run.slice(1, -1).map((frame, i) => ({ frame, at: i + 1, gap: run[i + 2]!.sequence - run[i]!.sequence }))
  gaps.sort((a, b) => a.gap - b.gap || a.at - b.at)
  const chosen = new Set<T>()
  const chosenAt = new Set<number>()
  for (const { frame, at } of gaps) {
    if (chosenAt.has(at - 1) || chosenAt.has(at + 1)) continue
    chosenAt.add(at)
    chosen.add(frame)
  }
  return chosen
}
