/** The part of a body that was read. */
export interface ReadBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether `bytes` is the whole body. */
  readonly isWhole: boolean;
}

const firstSize = 65_536;

/**
 * Reads a body, unpacked, up to a limit. Closes the connection of a longer body, because a few kilobytes may unpack to
 * gigabytes. Rejects with the signal's reason as soon as the signal aborts.
 */
export async function readBody(response: Response, limitBytes: number, signal: AbortSignal): Promise<ReadBody> {
  if (!response.body) return { bytes: new Uint8Array(), isWhole: true };
  const reader = response.body.getReader();
  // Does not wait for the end of the cancel: it would hang with the connection.
  const cancel = () => void reader.cancel().catch(() => {});
  // An abort also ends a read in progress.
  signal.addEventListener('abort', cancel, { once: true });
  // Chunks are copied into one buffer, because many small chunks take far more memory than their content.
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
