import { InvalidResponseError } from '../errors.ts';
import type { PageFragment } from './generated/sdk.ts';

/** A page of a GraphQL connection. Nodes that GitLab left out are null; a page may hold none and still have a next one. */
export interface ConnectionPage<T> {
  readonly nodes: ReadonlyArray<T | null> | null;
  readonly pageInfo: PageFragment;
}

/**
 * The pages of a connection from `first` on, pulled: a page is asked for when the one before is dealt with. Goes on
 * while `hasNextPage` says so, never by the number of nodes: GitLab removes unreadable ones after paging.
 * Throws InvalidResponseError when a cursor does not move.
 */
export async function* connectionPages<T, P extends ConnectionPage<T>>(
  first: P,
  next: (after: string) => Promise<P>,
  operation: string,
): AsyncGenerator<P> {
  let page = first;
  yield page;
  let cursor: string | null = null;
  while (page.pageInfo.hasNextPage) {
    const { endCursor } = page.pageInfo;
    if (endCursor === null || endCursor === cursor) {
      throw new InvalidResponseError(`GitLab's pages of ${operation} do not move on (cursor ${endCursor})`, { operation });
    }
    cursor = endCursor;
    page = await next(cursor);
    yield page;
  }
}

/** All nodes of a connection, for lists that are short by nature. */
export async function allNodes<T>(
  first: ConnectionPage<T>,
  next: (after: string) => Promise<ConnectionPage<T>>,
  operation: string,
): Promise<T[]> {
  const nodes: T[] = [];
  for await (const page of connectionPages(first, next, operation)) nodes.push(...(page.nodes ?? []).filter((node) => node !== null));
  return nodes;
}
