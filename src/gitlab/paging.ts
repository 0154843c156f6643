import { InvalidResponseError } from '../errors.ts';
import type { PageFragment } from './generated/sdk.ts';

/** A page of a GraphQL connection. Nodes that GitLab left out are null; a page may hold none and still have a next one. */
export interface ConnectionPage<T> {
  readonly nodes: ReadonlyArray<T | null> | null;
  readonly pageInfo: PageFragment;
}

/** Whether the next page is sure to be wanted: it is then asked for while this one is dealt with. */
export type IsMoreWanted<P> = (page: P) => boolean;

/**
 * The pages of a connection from `first` on, pulled: a page is asked for when the one before is dealt with, or, where
 * `isMoreWanted` says so, meanwhile. Goes on while `hasNextPage` says so, never by the number of nodes: GitLab removes
 * unreadable ones after paging. Throws InvalidResponseError when a cursor does not move. Nothing is under way when it ends.
 */
export async function* connectionPages<T, P extends ConnectionPage<T>>(
  first: P,
  next: (after: string, page: P) => Promise<P>,
  operation: string,
  isMoreWanted: IsMoreWanted<P> = () => false,
): AsyncGenerator<P> {
  let page = first;
  let cursor: string | null = null;
  let ahead: Promise<P> | undefined;
  try {
    for (;;) {
      const { hasNextPage, endCursor } = page.pageInfo;
      const hasMoved = endCursor !== null && endCursor !== cursor;
      ahead = hasNextPage && hasMoved && isMoreWanted(page) ? next(endCursor, page) : undefined;
      // It is awaited below; until then its failure is nobody's.
      ahead?.catch(() => {});
      yield page;
      if (!hasNextPage) return;
      if (!hasMoved) throw new InvalidResponseError(`GitLab's pages of ${operation} do not move on (cursor ${endCursor})`, { operation });
      cursor = endCursor;
      page = await (ahead ?? next(endCursor, page));
    }
  } finally {
    await ahead?.catch(() => {});
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
