import type { Gitlab } from '../gitlab/client.ts';
import { newestTags, repositoriesPerRequest } from '../gitlab/registry-tags.ts';
import type { NewestTags } from '../gitlab/registry-tags.ts';
import type { KnownProject } from '../store/store.ts';
import { askedForNewest } from '../streams/newest-tags.ts';
import { registryImages } from '../streams/registry-images.ts';
import type { StreamOptions } from '../streams/stream.ts';
import { askedTogether } from './asked-together.ts';
import type { ProjectStates } from './pass-state.ts';

/** What `createNewestTags` needs. */
export interface NewestTagsInput {
  readonly gitlab: Pick<Gitlab, 'graphql' | 'fit' | 'rest' | 'host'>;
  /** The known projects that are read. */
  readonly projects: readonly Pick<KnownProject, 'id'>[];
  readonly states: ReadonlyMap<number, ProjectStates>;
  readonly options: Pick<StreamOptions, 'imageArtifacts'>;
}

/** The container repositories of a project of which only the newest tags are asked for. */
export const repositoriesAtRest = (states: ProjectStates | undefined, options: Pick<StreamOptions, 'imageArtifacts'>): number[] =>
  [...(states?.values() ?? [])].flatMap((state) => (state.stream === registryImages.name ? (askedForNewest(state, options) ?? []) : []));

/**
 * Asks whether tags were pushed: one request asks for the newest tags of many container repositories, and replaces for each of them the
 * list of names and looks at known tags.
 */
export function createNewestTags({
  gitlab,
  projects,
  states,
  options,
}: NewestTagsInput): (repositoryId: number) => Promise<NewestTags | undefined> {
  const ids = projects.flatMap(({ id }) => repositoriesAtRest(states.get(id), options));
  return askedTogether(ids, repositoriesPerRequest, (some) => newestTags(gitlab, some));
}
