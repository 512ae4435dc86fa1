/**
 * Calls once the signal is aborted, at once if it is already. Unlike `AbortSignal.any` it leaves nothing behind on a
 * signal that lives long.
 * @returns stops listening
 */
export function whenAborted (signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) {
    queueMicrotask(act)
    return () => {}
  }
  signal.addEventListener('abort', act, { once: true })
  return () => { signal.removeEventListener('abort', act) }
}
