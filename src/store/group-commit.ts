interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits items that arrive while another commit runs together, in the order of their arrival, so that many small pages
 * cost few transactions. When a group is refused, its items are committed one by one: only the one at fault fails.
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
      // One turn of the event loop lets everything arrive that is about to.
      if (!running) {
        running = true;
        setImmediate(() => void run());
      }
    });
}
