/** Asks a Node process that runs with `--inspect` for what only it knows. */
export interface Inspector {
  /** Bytes of live objects: after everything that can be collected was. */
  readonly liveHeapBytes: () => Promise<number>;
  readonly close: () => void;
}

interface Reply {
  readonly id: number;
  readonly result?: { readonly usedSize?: number };
}

/** Connects to the address that Node prints. */
export async function connectInspector(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (reply: Reply) => void>();
  socket.addEventListener('message', ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error(`cannot connect to ${url}`)), { once: true });
  });
  let last = 0;
  const ask = (method: string) =>
    new Promise<Reply>((resolve) => {
      const id = ++last;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method }));
    });
  return {
    liveHeapBytes: async () => {
      // What finalizers let go of goes with the second.
      await ask('HeapProfiler.collectGarbage');
      await ask('HeapProfiler.collectGarbage');
      return (await ask('Runtime.getHeapUsage')).result?.usedSize ?? 0;
    },
    close: () => socket.close(),
  };
}
