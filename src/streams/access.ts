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
  const isEmpty = !list || ((list.nodes ?? []).length === 0 && !list.pageInfo.hasNextPage);
  if (!isEmpty) return null;
  return closed(node, stream) ?? (list ? null : forbidden(stream.label));
}
