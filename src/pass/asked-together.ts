import { chunks } from './pass-state.ts';

/**
 * Asks for many ids in one request. The request for some of them is sent when the first of these is asked for; the others take what it
 * brought. Undefined: the id is none of these, or GitLab did not say it.
 */
export function askedTogether<V>(
  ids: readonly number[],
  size: number,
  read: (ids: readonly number[]) => Promise<ReadonlyMap<number, V>>,
): (id: number) => Promise<V | undefined> {
  const asks = new Map(
    chunks(
      ids.toSorted((a, b) => a - b),
      size,
    ).flatMap((some) => {
      let answer: Promise<ReadonlyMap<number, V>> | undefined;
      const ask = () => (answer ??= read(some));
      return some.map((id) => [id, ask] as const);
    }),
  );
  return async (id) => (await asks.get(id)?.())?.get(id);
}
