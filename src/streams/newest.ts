import { connectionPages } from '../gitlab/paging.ts';
import type { ConnectionPage } from '../gitlab/paging.ts';
import { presentNodes } from '../events/text.ts';

/** GitLab's largest page. */
const largestPage = 100;

/** A connection whose first page is at hand. */
export interface NewestQuery<T> {
  readonly first: ConnectionPage<T>;
  readonly next: (page: { readonly first: number; readonly after: string }) => Promise<ConnectionPage<T>>;
  /** How many nodes to read in all. */
  readonly limit: number;
  readonly operation: string;
}

/** The first `limit` nodes of a connection, page by page, asking for no more than are wanted. */
export async function* newestNodes<T>({ first, next, limit, operation }: NewestQuery<T>): AsyncGenerator<T[]> {
  let left = limit;
  const nextPage = (after: string) => next({ first: Math.min(left, largestPage), after });
  for await (const page of connectionPages<T, ConnectionPage<T>>(first, nextPage, operation)) {
    const nodes = presentNodes(page).slice(0, left);
    left -= nodes.length;
    yield nodes;
    if (left <= 0) return;
  }
}
