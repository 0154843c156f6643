import { readCounts } from '../gitlab/counts.ts';
import type { ProjectCounts } from '../gitlab/counts.ts';
import { isDue, recentPipelinesSince } from '../pass/reconcile.ts';
import { chunks } from '../pass/run.ts';
import { missingRows } from '../estimate.ts';
import type { MissingRows } from '../estimate.ts';
import type { Backfill, WalkState } from '../progress.ts';
import type { TagCount } from '../store/read-progress.ts';
import type { Store } from '../store/store.ts';
import { streams } from '../streams/index.ts';
import type { PlannedRun, Selected } from './selected.ts';

const projectsPerRequest = 50;

/** What there is to read, by GitLab's counts of now. */
export interface Counted {
  /** Projects that were read before, with what changed since. */
  readonly changed: readonly ProjectCounts[];
  /** Projects that are new, with what there is within the depth; releases are counted all. */
  readonly fresh: readonly ProjectCounts[];
  /** Of those that were read before: what is to be read that lies deeper. */
  readonly deeper: readonly MissingRows[];
  /** Of those that were read before: what is due to be read again. Merge requests are the open ones. */
  readonly due: readonly ProjectCounts[];
  /** Known tags of the container repositories of projects that were read before. */
  readonly tags: readonly TagCount[];
}

/** Asks for the counts of everything that a pass would read, 50 projects at a time, one request after the other. */
export async function countedFor(run: PlannedRun, selected: Selected, store: Store | null, deepenTo: Date | null): Promise<Counted> {
  const { pages, batches } = selected;
  const changes = [...pages, ...batches.flatMap(({ ids, ask }) => (ask.kind === 'changes' ? [{ ids, since: ask.since }] : []))];
  const changed: ProjectCounts[] = [];
  for (const { ids, since } of changes) changed.push(...(await countsOf(run, ids, since)));
  const fresh: ProjectCounts[] = [];
  const freshIds = batches.flatMap(({ ids, ask }) => (ask.kind === 'newest' ? ids : []));
  for (const ids of chunks(freshIds, projectsPerRequest)) fresh.push(...(await countsOf(run, ids, run.options.depth.since)));
  const knownIds = changed.map(({ id }) => id);
  return {
    changed,
    fresh,
    deeper: store ? await deeperRows(run, store, knownIds, deepenTo) : [],
    due: await dueRows(run, knownIds),
    tags: store ? (await store.countTags()).filter(({ projectId }) => knownIds.includes(projectId)) : [],
  };
}

async function countsOf(
  { gitlab, config: { branches } }: PlannedRun,
  ids: readonly number[],
  since: Date | null,
): Promise<ProjectCounts[]> {
  if (ids.length === 0) return [];
  return readCounts(gitlab.graphql, { ids, changedAfter: since, updated: since ? { after: since } : {}, branches });
}

/** Walks that go back further: as asked for now, or since they were stopped. */
async function deeperRows(run: PlannedRun, store: Store, ids: readonly number[], deepenTo: Date | null): Promise<MissingRows[]> {
  const goals = new Map<string, { readonly since: Date | null; readonly ids: Map<number, number> }>();
  for (const id of ids) {
    for (const goal of goalsOf([...(run.states.get(id)?.values() ?? [])], deepenTo)) {
      const key = goal.since ?? '';
      const group = goals.get(key) ?? { since: goal.since === null ? null : new Date(goal.since), ids: new Map<number, number>() };
      goals.set(key, group);
      group.ids.set(id, Math.max(group.ids.get(id) ?? 0, goal.left ?? Number.POSITIVE_INFINITY));
    }
  }
  const rows: MissingRows[] = [];
  for (const group of goals.values()) {
    const missing = await missingRows({ gitlab: run.gitlab, store, config: run.config }, [...group.ids.keys()], group.since);
    const upTo = (id: number, count: number) => Math.min(count, group.ids.get(id) ?? count);
    rows.push(
      ...missing.map(({ id, mergeRequests, pipelines }) => ({
        id,
        mergeRequests: upTo(id, mergeRequests),
        pipelines: upTo(id, pipelines),
      })),
    );
  }
  return rows;
}

/** Of the two streams that GitLab counts from a moment on. */
const countedStreams = new Set(['merge-requests', 'pipelines']);

function goalsOf(states: ReadonlyArray<WalkState & { readonly stream: string }>, deepenTo: Date | null): Backfill[] {
  return states
    .filter(({ stream }) => countedStreams.has(stream))
    .flatMap((state) => {
      const deeper = deepenTo && streams.find(({ name }) => name === state.stream)?.deeper(state, deepenTo);
      if (deeper) return [deeper];
      return state.backfill && !state.backfill.isDone ? [state.backfill] : [];
    });
}

async function dueRows(run: PlannedRun, ids: readonly number[]): Promise<ProjectCounts[]> {
  const { config, gitlab, known, now } = run;
  const due = ids.filter((id) => {
    const project = known.get(id);
    return project !== undefined && isDue(run, project, now());
  });
  const updated = { after: recentPipelinesSince(config, now()) };
  const counts: ProjectCounts[] = [];
  for (const some of chunks(due, projectsPerRequest)) {
    counts.push(...(await readCounts(gitlab.graphql, { ids: some, state: 'opened', updated, branches: config.branches })));
  }
  return counts;
}
