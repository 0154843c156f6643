import type { StreamContext, WalkEnd } from './stream.ts';

interface Listed {
  readonly nodes: readonly unknown[] | null;
  readonly pageInfo: { readonly hasNextPage: boolean };
}

/** A list of a project that GitLab may answer with nothing for several reasons. */
export interface GuardedList {
  readonly what: string;
  /** The project's own switch for it, as this token sees it. */
  readonly enabled: boolean | null;
  readonly list: Listed | null;
}

/**
 * Why a list is empty, when it is not because there is nothing: GitLab answers lists that are switched off or that the
 * token may not read with no rows and no error. Null when the list is as it seems.
 * A role that may not read code may read no merge requests, pipelines and images either (app/policies/project_policy.rb).
 */
export function refusal({ batch }: Pick<StreamContext, 'batch'>, { what, enabled, list }: GuardedList): WalkEnd | null {
  const isEmpty = !list || ((list.nodes ?? []).length === 0 && !list.pageInfo.hasNextPage);
  if (!isEmpty) return null;
  if (enabled === false) return { outcome: 'disabled', reason: `${what} are switched off, or out of sight for this token` };
  if (!list || !batch.node.userPermissions.downloadCode) {
    return { outcome: 'forbidden', reason: `this token may not read ${what}: it needs at least the role Reporter` };
  }
  return null;
}
