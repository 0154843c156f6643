import type { ProjectFragment } from '../gitlab/generated/sdk.ts';
import type { StreamContext, WalkEnd } from './stream.ts';

/** Something of a project that GitLab answers with an empty list when it is switched off, or when the token may not read it. */
export interface Feature {
  readonly what: string;
  /** The project's own switch for it, as this token sees it. */
  readonly enabled: (project: ProjectFragment) => boolean | null;
}

/** The features that streams read. Releases have no switch that GraphQL shows. */
export const features = {
  mergeRequests: { what: 'merge requests', enabled: ({ mergeRequestsEnabled }) => mergeRequestsEnabled },
  pipelines: { what: 'pipelines', enabled: ({ jobsEnabled }) => jobsEnabled },
  registryImages: { what: 'registry images', enabled: ({ containerRegistryEnabled }) => containerRegistryEnabled },
} satisfies Record<string, Feature>;

/**
 * Why nothing can be read of a feature; null when the token may read it. A role that may not read code may read no merge
 * requests, pipelines and images either (app/policies/project_policy.rb).
 */
export function closed(project: ProjectFragment, { what, enabled }: Feature): WalkEnd | null {
  if (enabled(project) === false) return { outcome: 'disabled', reason: `${what} are switched off, or out of sight for this token` };
  return project.userPermissions.downloadCode ? null : forbidden(what);
}

const forbidden = (what: string): WalkEnd => ({
  outcome: 'forbidden',
  reason: `this token may not read ${what}: it needs at least the role Reporter`,
});

interface Listed {
  readonly nodes: readonly unknown[] | null;
  readonly pageInfo: { readonly hasNextPage: boolean };
}

/**
 * Why a list is empty, when it is not because there is nothing: GitLab answers lists that are switched off or that the
 * token may not read with no rows and no error. Null when the list is as it seems.
 */
export function refusal({ batch: { node } }: Pick<StreamContext, 'batch'>, feature: Feature, list: Listed | null): WalkEnd | null {
  const isEmpty = !list || ((list.nodes ?? []).length === 0 && !list.pageInfo.hasNextPage);
  if (!isEmpty) return null;
  return closed(node, feature) ?? (list ? null : forbidden(feature.what));
}
