import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { createStore } from '../../src/store/store.ts';
import type { LockedStore } from '../../src/store/store.ts';

/** A store as a pass has it: the lock is held until `close`. */
export interface OpenLockedStore {
  readonly store: LockedStore;
  readonly close: () => Promise<void>;
}

/** Takes the lock of a connection, or of some of its projects. Rejects when another pass has it. */
export async function openLockedStore(
  em: SqlEntityManager,
  connectionId: number,
  projectIds?: readonly number[],
): Promise<OpenLockedStore> {
  const opened = Promise.withResolvers<LockedStore>();
  const closed = Promise.withResolvers<undefined>();
  const store = await createStore(em, connectionId);
  const ended = store.exclusively((locked) => {
    opened.resolve(locked);
    return closed.promise;
  }, projectIds);
  const refused = ended.then(() => Promise.reject(new Error('another pass has the lock')));
  return {
    store: await Promise.race([opened.promise, refused]),
    close: async () => {
      closed.resolve(undefined);
      await Promise.allSettled([refused]);
    },
  };
}
