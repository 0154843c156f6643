/** The most rows that one page holds. */
const pageSize = 1_000;

/** Reads at most `count` rows, page by page. `read` gets the size of a page and the `next` of the page before. */
export async function firstRows<T>(
  count: number,
  read: (limit: number, after: string | undefined) => Promise<{ readonly rows: readonly T[]; readonly next: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  let after: string | undefined;
  do {
    const { rows, next } = await read(Math.min(count - all.length, pageSize), after);
    all.push(...rows);
    after = next ?? undefined;
  } while (after !== undefined && all.length < count);
  return all;
}
