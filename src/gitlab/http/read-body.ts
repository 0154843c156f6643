/** As much of a body as was read. */
export interface ReadBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

const firstSize = 65_536;

/**
 * Reads a body, unpacked, up to a limit. What is more is not read, and its connection is closed: a few kilobytes that were packed may
 * become gigabytes. Rejects with the signal's reason as soon as it aborts.
 */
export async function readBody(response: Response, limitBytes: number, signal: AbortSignal): Promise<ReadBody> {
  if (!response.body) return { bytes: new Uint8Array(), isWhole: true };
  const reader = response.body.getReader();
  // Not waited for: a connection that hangs may not hold this up.
  const cancel = () => void reader.cancel().catch(() => {});
  // Ends a read that is under way, too.
  signal.addEventListener('abort', cancel, { once: true });
  // Chunks are copied: very many small ones would take far more memory than what is in them.
  let buffer = new Uint8Array(Math.min(firstSize, limitBytes));
  let length = 0;
  let isWhole = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) {
        isWhole = true;
        break;
      }
      if (length + value.length > limitBytes) break;
      if (length + value.length > buffer.length) {
        const larger = new Uint8Array(Math.min(limitBytes, Math.max(2 * buffer.length, length + value.length)));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(value, length);
      length += value.length;
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    if (!isWhole) cancel();
  }
  return { bytes: buffer.subarray(0, length), isWhole };
}
