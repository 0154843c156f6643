import { readCounts } from '../../gitlab/counts.ts';
import type { ProjectCounts } from '../../gitlab/counts.ts';
import { isDue, recentPipelinesSince } from '../../pass/reconcile.ts';
import { chunks } from '../../pass/pass-state.ts';
import { missingRows } from '../estimate.ts';
import type { MissingRows } from '../estimate.ts';
import type { Backfill, WalkState } from '../../walk-state.ts';
import type { TagCount } from '../../store/progress/read-progress.ts';
import type { Store } from '../../store/store.ts';
import { streams } from '../../streams/index.ts';
import type { PlannedPass, Selected } from './select-batches.ts';

const projectsPerRequest = 50;

/** What there is to read, by GitLab's counts of now. */
export interface Counted {
  /** Projects that were read before, with what changed since. */
  readonly changed: readonly ProjectCounts[];
  /** Projects that are new, with what there is within the depth; releases are counted all. */
  readonly fresh: readonly ProjectCounts[];
  /** Of those that were read before: what is to be read that is older than its depth. */
  readonly backfill: readonly BackfillRows[];
  /** Of those that were read before: what is due to be read again. Merge requests are the open ones. */
  readonly due: readonly ProjectCounts[];
  /** Known tags of the container repositories of projects that were read before. */
  readonly tags: readonly TagCount[];
}

/** Asks for the counts of everything that a pass would read, 50 projects at a time, one request after the other. */
export async function countedFor(run: PlannedPass, selected: Selected, store: Store | null, backfillTo: Date | null): Promise<Counted> {
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
    backfill: store ? await deeperRows(run, store, knownIds, backfillTo) : [],
    due: await dueRows(run, knownIds),
    tags: store ? (await store.countTags()).filter(({ projectId }) => knownIds.includes(projectId)) : [],
  };
}

async function countsOf(
  { gitlab, config: { branches } }: PlannedPass,
  ids: readonly number[],
  since: Date | null,
): Promise<ProjectCounts[]> {
  if (ids.length === 0) return [];
  return readCounts(gitlab.graphql, { ids, changedAfter: since, updated: since ? { after: since } : {}, branches });
}

/** What is to be read of one project that is older than its depth, and how many walks go there: each asks once at least. */
export interface BackfillRows extends MissingRows {
  readonly walks: number;
}

/** Walks that go back further, as asked for now or since they were stopped: how many rows each stream may still read. */
interface Goal {
  readonly since: Date | null;
  readonly left: Map<number, { mergeRequests: number; pipelines: number; walks: number }>;
}

async function deeperRows(run: PlannedPass, store: Store, ids: readonly number[], backfillTo: Date | null): Promise<BackfillRows[]> {
  const rows: BackfillRows[] = [];
  for (const { since, left } of goalsOf(run, ids, backfillTo)) {
    const missing = await missingRows({ gitlab: run.gitlab, store, config: run.config }, [...left.keys()], since);
    for (const { id, mergeRequests, pipelines } of missing) {
      const most = left.get(id) ?? nothingLeft;
      rows.push({
        id,
        mergeRequests: Math.min(mergeRequests, most.mergeRequests),
        pipelines: Math.min(pipelines, most.pipelines),
        walks: most.walks,
      });
    }
  }
  return rows;
}

const nothingLeft = { mergeRequests: 0, pipelines: 0, walks: 0 };

/** The streams that GitLab counts from a moment on. */
const countedStreams: Readonly<Record<string, 'mergeRequests' | 'pipelines'>> = {
  'merge-requests': 'mergeRequests',
  pipelines: 'pipelines',
};

/** Projects that go back to the same moment are counted together. */
function goalsOf({ states }: PlannedPass, ids: readonly number[], backfillTo: Date | null): Iterable<Goal> {
  const goals = new Map<string, Goal>();
  for (const id of ids) {
    for (const state of states.get(id)?.values() ?? []) {
      const count = countedStreams[state.stream];
      const backfill = count && backfillOf(state, backfillTo);
      if (!backfill) continue;
      const key = backfill.since ?? '';
      const goal: Goal = goals.get(key) ?? { since: backfill.since === null ? null : new Date(backfill.since), left: new Map() };
      const left = goal.left.get(id) ?? { ...nothingLeft };
      left[count] += backfill.left ?? Number.POSITIVE_INFINITY;
      left.walks++;
      goals.set(key, { ...goal, left: goal.left.set(id, left) });
    }
  }
  return goals.values();
}

function backfillOf(state: WalkState & { readonly stream: string }, backfillTo: Date | null): Backfill | null {
  const stream = streams.find(({ name }) => name === state.stream);
  const backfill = backfillTo && stream?.extendBackfill(state, backfillTo);
  return backfill || (state.backfill && !state.backfill.isDone ? state.backfill : null);
}

async function dueRows(run: PlannedPass, ids: readonly number[]): Promise<ProjectCounts[]> {
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
