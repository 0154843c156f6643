import { ForbiddenError } from '../errors.ts';
import type { ProjectFragment } from '../gitlab/generated/sdk.ts';
import type { Stream, StreamContext, WalkEnd } from './stream.ts';

/**
 * What a project must have for a stream: a feature, with the project's own switch for it as this token sees it, or a
 * repository. GitLab answers with an empty list when the feature is switched off, and when the token may not read it.
 */
export type Access =
  | { readonly needs: 'feature'; readonly isEnabled: (project: ProjectFragment) => boolean | null }
  | { readonly needs: 'repository' };

/**
 * Why nothing can be read of a stream; null when the token may read it. A role that may not read code may read no merge
 * requests, pipelines and images either (app/policies/project_policy.rb).
 */
export function closed(project: ProjectFragment, { label, access }: Pick<Stream, 'label' | 'access'>): WalkEnd | null {
  if (access?.needs === 'feature' && access.isEnabled(project) === false)
    return { outcome: 'disabled', reason: `${label} are switched off, or out of sight for this token` };
  return project.userPermissions.downloadCode ? null : forbidden(label);
}

const forbidden = (label: string): WalkEnd => ({
  outcome: 'forbidden',
  reason: `this token may not read ${label}: it needs at least the role Reporter`,
});

interface Listed {
  readonly nodes: readonly unknown[] | null;
  readonly pageInfo: { readonly hasNextPage: boolean };
}

/**
 * Why a list is empty, when it is not because there is nothing: GitLab answers lists that are switched off or that the
 * token may not read with no rows and no error. Null when the list is as it seems.
 */
export function refusal({ batch: { node } }: Pick<StreamContext, 'batch'>, stream: Stream, list: Listed | null): WalkEnd | null {
  if (!isEmpty(list)) return null;
  return closed(node, stream) ?? (list ? null : forbidden(stream.label));
}

const isEmpty = (list: Listed | null): boolean => !list || ((list.nodes ?? []).length === 0 && !list.pageInfo.hasNextPage);

/** A list with the project that it is of, from one answer. */
interface ListOfProject {
  readonly project: ProjectFragment;
  readonly list: Listed;
  readonly operation: string;
}

/**
 * Throws ForbiddenError for an empty page of a stream that went out of sight while it was read: such a page looks like the
 * end of the list, and a walk that took it for the end would leave out what it has not read.
 */
export function throwIfClosed(stream: Stream, { project, list, operation }: ListOfProject): void {
  const end = isEmpty(list) ? closed(project, stream) : null;
  if (end) throw new ForbiddenError(`${end.reason} (while it was read)`, { operation });
}
