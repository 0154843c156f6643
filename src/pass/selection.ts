import { memberProjects, projectsOf } from '../gitlab/projects.ts';
import type { BatchSource } from '../gitlab/batch.ts';
import type { KnownProject } from '../store/store.ts';
import { isSelected } from './pass-state.ts';
import type { PassState } from './pass-state.ts';

/** Which projects to read, and how to ask for them. */
export interface Selection {
  /** Asked for by id. */
  readonly ids: readonly number[];
  /** Asked for by what they are in, without listing them first. */
  readonly lists: readonly ListedSource[];
  /** Entries of `repos` that are no project and no group, or none that this token may see. */
  readonly missing: readonly string[];
}

/** Memberships or a group. */
export type ListedSource = Exclude<BatchSource, { readonly kind: 'ids' }>;

/** Why an entry of `repos` is among the missing. */
export const noSuchEntry = 'no project or group with this path, or out of sight for this token';

/** GitLab's largest number of projects in one batch of changes. */
export const listPageSize = 50;

/**
 * The projects that the configuration asks for. Known projects need no lookup: a known path stands for its id, and
 * memberships and groups are asked for as lists. `isFirst`: there is no watermark yet, so lists are looked up first.
 */
export async function selectProjects(pass: Pick<PassState, 'config' | 'gitlab' | 'known'>, isFirst: boolean): Promise<Selection> {
  const { config, gitlab } = pass;
  if (config.repos.length > 0) return selectEntries(pass, isFirst);
  if (isFirst) {
    const projects = await memberProjects(gitlab.graphql, config.projectLimit);
    return { ids: projects.map(({ id }) => id), lists: [], missing: [] };
  }
  // Where all projects are read the order is by id: activity changes while pages are read, ids do not.
  const sort = config.projectLimit === 0 ? 'id_asc' : 'latest_activity_desc';
  const projects = config.projectLimit === 0 ? listPageSize : Math.min(config.projectLimit, listPageSize);
  return { ids: [], lists: [{ kind: 'membership', sort, projects }], missing: [] };
}

async function selectEntries(
  { config, gitlab, known }: Pick<PassState, 'config' | 'gitlab' | 'known'>,
  isFirst: boolean,
): Promise<Selection> {
  const entries = config.repos.map((entry) => pathOf(entry, config.url));
  const projects = [...known.values()];
  const matched = entries.map((entry) => ({ entry, ...matchOf(entry, projects) }));
  const groups = matched.filter(({ isGroup }) => isGroup && !isFirst).map(({ entry }) => entry);
  const unsettled = matched.filter(({ isSettled, entry }) => !isSettled && !groups.includes(entry)).map(({ entry }) => entry);
  const found = unsettled.length > 0 ? await projectsOf(gitlab.graphql, unsettled) : { projects: [], ids: [], missing: [] };
  const followed = new Set(matched.filter(({ ids }) => ids.length > 0).map(({ entry }) => entry));
  const ids = [...matched.flatMap((match) => match.ids), ...found.ids, ...found.projects.map(({ id }) => id)];
  return {
    ids: [...new Set(ids)],
    lists: groups.map((path) => ({ kind: 'group', path })),
    missing: found.missing.filter((entry) => !followed.has(entry)),
  };
}

interface Match {
  /** Known projects that the entry stands for, or stood for. */
  readonly ids: readonly number[];
  readonly isGroup: boolean;
  /** Nothing has to be looked up. */
  readonly isSettled: boolean;
}

/** A project that has moved is followed. Its old path is looked up again, because another project may be there now. */
function matchOf(entry: string, projects: readonly KnownProject[]): Match {
  if (/^\d+$/.test(entry)) return { ids: [Number(entry)], isGroup: false, isSettled: true };
  const path = entry.toLowerCase();
  const named = projects.filter(({ fullPath, eventPath }) => [fullPath, eventPath].some((own) => own.toLowerCase() === path));
  const isThere = named.some(({ fullPath, goneAt }) => goneAt === null && fullPath.toLowerCase() === path);
  const isGroup = named.length === 0 && projectsUnder(path, projects).length > 0;
  return { ids: named.map(({ id }) => id), isGroup, isSettled: isThere };
}

/** Known projects that are in a group, or were when they were first seen, as far as they are read. */
export function projectsUnder(group: string, projects: Iterable<KnownProject>): number[] {
  const prefix = `${group.toLowerCase()}/`;
  return [...projects]
    .filter(isSelected)
    .filter(({ fullPath, eventPath }) => [fullPath, eventPath].some((path) => path.toLowerCase().startsWith(prefix)))
    .map(({ id }) => id);
}

/** An entry of `repos` without what people paste with it: the GitLab's own URL, slashes at the ends, `.git`. */
function pathOf(entry: string, url: string): string {
  const path = entry.startsWith(`${url}/`) ? entry.slice(url.length) : entry;
  return path.replaceAll(/^\/+|\/+$/g, '').replace(/\.git$/, '');
}
