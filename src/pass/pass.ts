import { momentOf } from '../config/settings.ts';
import type { Config } from '../config/parse-config.ts';
import { existingProjects } from '../gitlab/projects.ts';
import { selectStreams } from '../streams/selected.ts';
import type { StreamOptions } from '../streams/stream.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import { nameClocksApart, noteProvenByWatermarks } from './clocks.ts';
import { createGaps } from './gaps.ts';
import { nameKnownGaps } from './gap-problems.ts';
import { extendBackfill } from './extend-backfill.ts';
import { nameMissingBranches } from './missing-branches.ts';
import { settle } from './settle.ts';
import { createNewestTags } from './newest-tags.ts';
import { createReading, readIds, readList } from './read-projects.ts';
import type { Reading } from './read-projects.ts';
import { isDue, reconcile } from './reconcile.ts';
import { begin, noticeRestore } from './restore.ts';
import { createTally } from './report.ts';
import type { SyncReport } from './report.ts';
import { createProgress, isSelected, statesByProject } from './pass-state.ts';
import type { LockedPass, Pass, PassState } from './pass-state.ts';
import type { PlacedState } from '../store/progress/save-progress.ts';
import { createQuietWalks } from './quiet-walks.ts';
import { noSuchEntry, projectsUnder, selectProjects } from './selection.ts';
import { commonSince } from './since.ts';
import { createTips } from './tips.ts';

const outOfSight = 'deleted, or out of sight for this token';

/**
 * Reads what the configuration asks for into the store: projects in batches, with what changed since the last pass; the
 * pages after their first ones; and the projects that are due to be reconciled. What cannot be read is named in the
 * report and stops nothing else. Resolves to null at once when another pass over the connection runs.
 *
 * @throws When GitLab refuses the token, when nothing of GitLab can be read, or when the database fails.
 */
export function runPass(input: Pass): Promise<SyncReport | null> {
  return input.store.exclusively((store) => runAlone({ ...input, store }));
}

async function runAlone(input: LockedPass): Promise<SyncReport> {
  const startedAt = input.now();
  const pass = await startPass(input);
  if (input.backfillTo) await extendBackfill(pass, input.backfillTo);
  const reading = createReading(pass);
  await readProjects(pass, reading);
  await nameMissingBranches(pass, reading.asked);
  await noticeRestore(pass);
  await reconcile(pass, reading.due);
  await pass.quiet.store();
  await pass.store.linkEvents();
  await pass.store.markSynced(input.now());
  const report = reportOf(pass, startedAt);
  const { fetched, stored, corrected, problems, durationMs } = report;
  input.log.info({ fetched, stored, corrected, problems: problems.length, durationMs }, 'pass ended');
  return report;
}

/** What a pass has done since a moment. */
export function reportOf(pass: PassState, startedAt: Date): SyncReport {
  const { tally, gitlab, now } = pass;
  nameClocksApart(pass);
  nameKnownGaps(pass);
  return tally.report({ requests: { ...gitlab.requests }, durationMs: now().getTime() - startedAt.getTime() });
}

/** Begins a pass with what is known of these projects; absent = of all. */
export async function startPass(input: LockedPass, projectIds?: readonly number[]): Promise<PassState> {
  const { store } = input;
  const streams = selectStreams(input.config.streams, { arePainchains: await store.arePainchains() });
  const isRead = ({ stream }: { readonly stream: string }) => streams.some(({ name }) => name === stream);
  const tally = createTally(streams.map(({ name }) => name));
  const { projects, landmarks, rewound } = await begin(store, streams, projectIds);
  const stored = await store.readStates(projectIds);
  const states = await markLeftOut(store, stored, isRead);
  // What is not read is no gap.
  const gaps = createGaps((await store.readGaps(projectIds)).filter(isRead));
  noteProvenByWatermarks(input, states);
  const byProject = statesByProject(states, input.config.branches);
  const options = optionsOf(input.config, input.now());
  const selected = projects.filter(isSelected);
  return {
    ...input,
    options,
    streams,
    tally,
    circuitBreaker: createCircuitBreaker(),
    known: new Map(projects.map((project) => [project.id, project])),
    states: byProject,
    progress: createProgress(input, tally),
    tips: createTips({
      gitlab: input.gitlab,
      projects: selected,
      isDue: (project, at) => isDue(input, project, at),
      states: byProject,
    }),
    newestTags: createNewestTags({ gitlab: input.gitlab, projects: selected, states: byProject, options }),
    gaps,
    quiet: createQuietWalks(input, stored),
    upcoming: await store.readUpcoming(projectIds),
    landmarks,
    rewound,
  };
}

/** Notes of the walks of streams that are not read any more that they are not. What they have read stays, until they are read again. */
async function markLeftOut(
  store: LockedPass['store'],
  states: readonly PlacedState[],
  isRead: (state: PlacedState) => boolean,
): Promise<readonly PlacedState[]> {
  const off = { outcome: 'off', error: 'left out by STREAMS' } as const;
  const marked = states.map((state) =>
    isRead(state) || state.outcome === 'off' || state.outcome === 'gone' ? state : { ...state, ...off },
  );
  const changed = marked.filter((state, index) => state !== states[index]);
  if (changed.length > 0) await store.saveStates(changed);
  return marked;
}

/** What the settings mean for streams. */
export function optionsOf({ branches, syncLimit, syncSince, tagLimit, tagChecks, imageArtifacts }: Config, now: Date): StreamOptions {
  const since = syncSince === undefined ? null : momentOf(syncSince, now);
  return {
    branches,
    depth: { since, rows: since || syncLimit === 'all' ? null : syncLimit },
    tagLimit: tagLimit === 0 ? Number.POSITIVE_INFINITY : tagLimit,
    tagChecks,
    imageArtifacts,
  };
}

/** Lists first, so that a project that is also asked for by id is read once. */
async function readProjects(pass: PassState, reading: Reading): Promise<void> {
  const since = commonSince(pass);
  const { ids, lists, missing } = await selectProjects(pass, since === null);
  for (const entry of missing) pass.tally.addProblem({ project: entry, outcome: 'failed', reason: noSuchEntry, expected: false });
  let isComplete = true;
  const followed: number[] = [];
  for (const list of since ? lists : []) {
    const end = await readList(reading, list, since as Date);
    isComplete &&= end === 'whole';
    if (end !== 'missing' || list.kind !== 'group') continue;
    // A group that has moved is followed by its projects.
    pass.tally.addProblem({ project: list.path, outcome: 'failed', reason: noSuchEntry, expected: false });
    followed.push(...projectsUnder(list.path, pass.known.values()));
  }
  const gone = await readIds(reading, [...ids, ...followed]);
  pass.circuitBreaker.throwIfNone();
  await endProjects(pass, gone, isComplete ? [...pass.known.keys()].filter((id) => !reading.asked.has(id)) : []);
}

/** Notes the projects that GitLab no longer returns, and those that the configuration no longer asks for. */
export async function endProjects(pass: PassState, gone: readonly number[], unasked: readonly number[]): Promise<void> {
  const { store, known, gitlab, tally } = pass;
  const absent = unasked.filter((id) => isSelected(known.get(id)));
  const existing = absent.length > 0 ? await settle(existingProjects(gitlab.graphql, absent)) : { value: new Set<number>() };
  // When GitLab cannot be asked now, the next pass asks.
  const isThere = 'end' in existing ? new Set(absent) : existing.value;
  const vanished = [...gone, ...absent.filter((id) => !isThere.has(id))];
  const unselected = 'end' in existing ? [] : absent.filter((id) => isThere.has(id));
  if (vanished.length > 0) await store.markGone(vanished, pass.now(), outOfSight);
  if (unselected.length > 0) await store.markUnselected(unselected, pass.now());
  for (const id of vanished) {
    const project = known.get(id)?.fullPath ?? `project ${id}`;
    tally.addProblem({ project, outcome: 'gone', reason: outOfSight, expected: false });
  }
}
