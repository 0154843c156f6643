/**
 * Runs an action with a signal that aborts when any of these does. Unlike `AbortSignal.any` it leaves nothing with a
 * signal that lives as long as the process.
 */
export async function withLinkedAbort<T>(signals: readonly AbortSignal[], action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const abort = () => own.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  }
  try {
    return await action(own.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
