interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits items in groups, so that many small pages cost few transactions. Items that arrive while a commit runs form the
 * next group, in the order of their arrival. When the commit of a group fails, its items are committed one by one, so that
 * only the item that causes the failure is rejected.
 */
export function groupCommit<T, R>(commit: (items: readonly T[]) => Promise<readonly R[]>, largestGroup: number): (item: T) => Promise<R> {
  let waiting: Array<Waiting<T, R>> = [];
  let running = false;

  const commitGroup = async (group: ReadonlyArray<Waiting<T, R>>): Promise<void> => {
    try {
      const results = await commit(group.map(({ item }) => item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as R);
    } catch (error) {
      const [first, ...others] = group;
      if (first && others.length === 0) first.reject(error);
      else for (const single of group) await commitGroup([single]);
    }
  };

  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, largestGroup);
      waiting = waiting.slice(largestGroup);
      await commitGroup(group);
    }
    running = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // Waits for one turn of the event loop, so that items that are ready now join the group.
      if (!running) {
        running = true;
        setImmediate(() => void run());
      }
    });
}
