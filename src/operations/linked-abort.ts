/**
 * Runs an action with a signal that aborts when any of the given signals aborts, with the same reason. Unlike
 * `AbortSignal.any`, it removes its listeners afterwards, so a signal that lives as long as the process does not collect them.
 */
export async function withLinkedAbort<T>(signals: readonly AbortSignal[], action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const abort = () => own.abort(signals.find(({ aborted }) => aborted)?.reason);
  if (signals.some(({ aborted }) => aborted)) abort();
  for (const signal of signals) signal.addEventListener('abort', abort, { once: true });
  try {
    return await action(own.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
