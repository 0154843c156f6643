import { memberProjects, projectsOf } from '../../gitlab/projects.ts';
import { batchesOf } from '../../pass/read-projects.ts';
import type { IdBatch } from '../../pass/read-by-ids.ts';
import { chunks } from '../../pass/pass-state.ts';
import type { PassState } from '../../pass/pass-state.ts';
import { listPageSize, selectProjects } from '../../pass/selection.ts';
import type { ListedSource } from '../../pass/selection.ts';
import { commonSince, fitsSince, sinceOf } from '../../pass/since.ts';

/** The part of a pass's state that decides what the pass reads. */
export type PlannedPass = Pick<PassState, 'config' | 'gitlab' | 'known' | 'states' | 'options' | 'now' | 'gaps' | 'streams' | 'reconcile'>;

/** The projects that a pass would read, in the batches in which the pass would read them. */
export interface Selected {
  /** Requests that find the projects. */
  readonly lookups: number;
  /** Pages of memberships and groups, each a batch of its own. */
  readonly pages: ReadonlyArray<{ readonly source: ListedSource['kind']; readonly since: Date; readonly ids: readonly number[] }>;
  /** Batches of projects that are read by id. */
  readonly batches: readonly IdBatch[];
  /** Entries of `repos` that name no project or group. */
  readonly missing: readonly string[];
}

/** Decides which projects to read, and in which batches, as a pass does. */
export async function selectedBy(pass: PlannedPass): Promise<Selected> {
  const { gitlab, states, streams } = pass;
  const since = commonSince(pass);
  const before = gitlab.requests.graphql;
  const { ids, lists, missing } = await selectProjects(pass, since === null);
  const lookups = gitlab.requests.graphql - before;
  if (since === null) return { lookups, pages: [], batches: batchesOf(pass, ids), missing };
  const listed: Array<{ readonly source: ListedSource['kind']; readonly ids: readonly number[] }> = [];
  for (const list of lists) listed.push({ source: list.kind, ids: await idsOf(pass, list) });
  const fits = (id: number) => fitsSince(sinceOf(states.get(id), streams), since);
  const pages = listed.flatMap((list) =>
    // A pass sends a request for an empty list too.
    (list.ids.length === 0 ? [[]] : chunks(list.ids, listPageSize)).map((page) => ({ source: list.source, since, ids: page.filter(fits) })),
  );
  const read = new Set(listed.flatMap((list) => list.ids));
  const waiting = [...read].filter((id) => !fits(id));
  return { lookups, pages, batches: batchesOf(pass, [...new Set([...ids.filter((id) => !read.has(id)), ...waiting])]), missing };
}

async function idsOf({ gitlab, config }: PlannedPass, list: ListedSource): Promise<number[]> {
  const projects =
    list.kind === 'membership'
      ? await memberProjects(gitlab.graphql, config.projectLimit)
      : (await projectsOf(gitlab.graphql, [list.path])).projects;
  return projects.map(({ id }) => id);
}
