import { readCounts } from '../../gitlab/counts.ts';
import type { ProjectCounts } from '../../gitlab/counts.ts';
import { repositoriesAtRest } from '../../pass/newest-tags.ts';
import { chunks } from '../../pass/pass-state.ts';
import { isDue, recentPipelinesSince } from '../../pass/reconcile.ts';
import type { ReadableRecord } from '../../store/reads.ts';
import { allFilters } from '../../streams/counts.ts';
import type { CountedAsk, CountedProjects, WindowCounted } from '../../streams/counts.ts';
import type { Backfill, WalkState } from '../../walk-state.ts';
import { estimatedStreams, missingRows } from '../estimate.ts';
import type { MissingRows } from '../estimate.ts';
import type { PlannedPass, Selected } from './select-batches.ts';

const projectsPerRequest = 50;

/** What a pass would read, by GitLab's current counts. */
export interface Counted extends CountedProjects {
  /** For known projects: what a backfill would still read. */
  readonly backfill: readonly BackfillRows[];
}

/** Reads the counts of everything that a pass would read, 50 projects at a time, one request after another. */
export async function countedFor(
  pass: PlannedPass,
  selected: Selected,
  store: ReadableRecord | null,
  backfillTo: Date | null,
): Promise<Counted> {
  const { pages, batches } = selected;
  const changes = [...pages, ...batches.flatMap(({ ids, ask }) => (ask.kind === 'changes' ? [{ ids, since: ask.since }] : []))];
  const changed: ProjectCounts[] = [];
  for (const { ids, since } of changes) changed.push(...(await countsOf(pass, ids, { kind: 'changes', since })));
  const fresh: ProjectCounts[] = [];
  const freshIds = batches.flatMap(({ ids, ask }) => (ask.kind === 'newest' ? ids : []));
  const newest: CountedAsk = { kind: 'newest', since: pass.options.depth.since };
  for (const ids of chunks(freshIds, projectsPerRequest)) fresh.push(...(await countsOf(pass, ids, newest)));
  const knownIds = changed.map(({ id }) => id);
  return {
    changed,
    fresh,
    backfill: store ? await backfillRows(pass, store, knownIds, backfillTo) : [],
    due: await dueCounts(pass, knownIds),
    tags: store ? (await store.countTags()).filter(({ projectId }) => knownIds.includes(projectId)) : [],
    atRest: new Map(knownIds.map((id) => [id, repositoriesAtRest(pass.states.get(id), pass.options).length])),
  };
}

async function countsOf(
  { gitlab, streams, config: { branches } }: PlannedPass,
  ids: readonly number[],
  ask: CountedAsk,
): Promise<ProjectCounts[]> {
  if (ids.length === 0) return [];
  const filter = allFilters(streams.map(({ plan }) => plan.filter?.(ask) ?? {}));
  return readCounts(gitlab.graphql, { ids, branches, ...filter });
}

/** What the backfills of one project would still read, and how many walks have a backfill: each sends at least one request. */
export interface BackfillRows extends MissingRows {
  readonly walks: number;
}

/** Walks with a backfill to the same moment, by project: at most how many rows each stream still reads. */
interface Goal {
  readonly since: Date | null;
  readonly left: Map<number, { readonly most: ReadonlyMap<string, number>; readonly walks: number }>;
}

async function backfillRows(
  pass: PlannedPass,
  store: ReadableRecord,
  ids: readonly number[],
  backfillTo: Date | null,
): Promise<BackfillRows[]> {
  const found: BackfillRows[] = [];
  for (const { since, left } of goalsOf(pass, ids, backfillTo)) {
    const missing = await missingRows({ gitlab: pass.gitlab, store, config: pass.config }, [...left.keys()], since);
    for (const { id, rows } of missing) {
      const { most, walks } = left.get(id) ?? nothingLeft;
      found.push({ id, rows: new Map([...rows].map(([stream, count]) => [stream, Math.min(count, most.get(stream) ?? 0)])), walks });
    }
  }
  return found;
}

const nothingLeft = { most: new Map<string, number>(), walks: 0 };

/** Projects with a backfill to the same moment are counted together. */
function goalsOf({ states }: PlannedPass, ids: readonly number[], backfillTo: Date | null): Iterable<Goal> {
  const goals = new Map<string, Goal>();
  for (const id of ids) {
    for (const state of states.get(id)?.values() ?? []) {
      const stream = estimatedStreams.find(({ name }) => name === state.stream);
      const backfill = stream && backfillOf(stream, state, backfillTo);
      if (!backfill) continue;
      const key = backfill.since ?? '';
      const goal: Goal = goals.get(key) ?? { since: backfill.since === null ? null : new Date(backfill.since), left: new Map() };
      const { most, walks } = goal.left.get(id) ?? nothingLeft;
      const rows = (most.get(stream.name) ?? 0) + (backfill.left ?? Number.POSITIVE_INFINITY);
      goals.set(key, { ...goal, left: goal.left.set(id, { most: new Map(most).set(stream.name, rows), walks: walks + 1 }) });
    }
  }
  return goals.values();
}

/** The backfill of a walk: to `backfillTo`, or a stored backfill that is not done. Null when there is none. */
function backfillOf({ extendBackfill }: WindowCounted, state: WalkState, backfillTo: Date | null): Backfill | null {
  const extended = backfillTo && extendBackfill?.(state, backfillTo);
  return extended || (state.backfill && !state.backfill.isDone ? state.backfill : null);
}

async function dueCounts(pass: PlannedPass, ids: readonly number[]): Promise<ProjectCounts[]> {
  const { config, known, now } = pass;
  const due = ids.filter((id) => {
    const project = known.get(id);
    return project !== undefined && isDue(pass, project, now());
  });
  const ask: CountedAsk = { kind: 'reconcile', pipelinesSince: recentPipelinesSince(config, now()) };
  const counts: ProjectCounts[] = [];
  for (const some of chunks(due, projectsPerRequest)) counts.push(...(await countsOf(pass, some, ask)));
  return counts;
}
