import { momentOf } from '../config/settings.ts';
import type { Config } from '../config/parse-config.ts';
import { existingProjects } from '../gitlab/projects.ts';
import { streams } from '../streams/index.ts';
import type { StreamOptions } from '../streams/stream.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import { extendBackfill } from './extend-backfill.ts';
import { settle } from './settle.ts';
import { createReading, readIds, readList } from './read-projects.ts';
import type { Reading } from './read-projects.ts';
import { reconcile } from './reconcile.ts';
import { createTally } from './report.ts';
import type { SyncReport } from './report.ts';
import { createProgress, isSelected, statesByProject } from './pass-state.ts';
import type { Pass, PassState } from './pass-state.ts';
import { noSuchEntry, projectsUnder, selectProjects } from './selection.ts';
import { commonSince } from './since.ts';

const outOfSight = 'deleted, or out of sight for this token';

/**
 * Reads what the configuration asks for into the store: projects in batches, what has changed since the last time, what
 * does not fit on their first pages, and what is due to be read again. What cannot be read is named in the report and
 * stops nothing else; a token that GitLab does not take, a GitLab of which nothing can be read, and a database that
 * refuses end the pass with their error. Resolves to null at once when another pass over the connection runs.
 */
export function runPass(pass: Pass): Promise<SyncReport | null> {
  return pass.store.exclusively(() => runAlone(pass));
}

async function runAlone(pass: Pass): Promise<SyncReport> {
  const startedAt = pass.now();
  const run = await startPass(pass);
  if (pass.backfillTo) await extendBackfill(run, pass.backfillTo);
  const reading = createReading(run);
  await readProjects(run, reading);
  await reconcile(run, reading.due);
  await run.store.linkEvents();
  await run.store.markSynced(pass.now());
  const report = reportOf(run, startedAt);
  const { fetched, stored, corrected, problems, durationMs } = report;
  pass.log.info({ fetched, stored, corrected, problems: problems.length, durationMs }, 'pass ended');
  return report;
}

/** What a run has done since a moment. */
export function reportOf({ tally, gitlab, now }: PassState, startedAt: Date): SyncReport {
  return tally.report({ requests: { ...gitlab.requests }, durationMs: now().getTime() - startedAt.getTime() });
}

/** A run with what is known of these projects, or of all. */
export async function startPass(pass: Pass, projectIds?: readonly number[]): Promise<PassState> {
  const tally = createTally(streams.map(({ name }) => name));
  const [projects, states] = await Promise.all([pass.store.readProjects(projectIds), pass.store.readStates(projectIds)]);
  return {
    ...pass,
    options: optionsOf(pass.config, pass.now()),
    tally,
    answers: createCircuitBreaker(),
    known: new Map(projects.map((project) => [project.id, project])),
    states: statesByProject(states),
    progress: createProgress(pass, tally),
  };
}

/** What the settings mean for streams. */
export function optionsOf({ branches, syncLimit, syncSince, tagLimit, tagChecks }: Config, now: Date): StreamOptions {
  const since = syncSince === undefined ? null : momentOf(syncSince, now);
  return {
    branches,
    depth: { since, rows: since || syncLimit === 'all' ? null : syncLimit },
    tagLimit: tagLimit === 0 ? Number.POSITIVE_INFINITY : tagLimit,
    tagChecks,
  };
}

/** Lists first, so that a project that is also asked for by id is read once. */
async function readProjects(run: PassState, reading: Reading): Promise<void> {
  const since = commonSince(run);
  const { ids, lists, missing } = await selectProjects(run, since === null);
  for (const entry of missing) run.tally.addProblem({ project: entry, outcome: 'failed', reason: noSuchEntry, expected: false });
  let isComplete = true;
  const followed: number[] = [];
  for (const list of since ? lists : []) {
    const end = await readList(reading, list, since as Date);
    isComplete &&= end === 'whole';
    if (end !== 'missing' || list.kind !== 'group') continue;
    // A group that has moved is followed by its projects.
    run.tally.addProblem({ project: list.path, outcome: 'failed', reason: noSuchEntry, expected: false });
    followed.push(...projectsUnder(list.path, run.known.values()));
  }
  const gone = await readIds(reading, [...ids, ...followed]);
  run.answers.throwIfNone();
  await endProjects(run, gone, isComplete ? [...run.known.keys()].filter((id) => !reading.asked.has(id)) : []);
}

/** Notes projects that GitLab returns no more, and those that are no longer among the ones to read. */
export async function endProjects(run: PassState, gone: readonly number[], unasked: readonly number[]): Promise<void> {
  const { store, known, gitlab, tally } = run;
  const absent = unasked.filter((id) => isSelected(known.get(id)));
  const existing = absent.length > 0 ? await settle(existingProjects(gitlab.graphql, absent)) : { value: new Set<number>() };
  // What could not be asked now is asked in the next pass.
  const isThere = 'end' in existing ? new Set(absent) : existing.value;
  const vanished = [...gone, ...absent.filter((id) => !isThere.has(id))];
  const unselected = 'end' in existing ? [] : absent.filter((id) => isThere.has(id));
  if (vanished.length > 0) await store.markGone(vanished, run.now(), outOfSight);
  if (unselected.length > 0) await store.markUnselected(unselected, run.now());
  for (const id of vanished) {
    const project = known.get(id)?.fullPath ?? `project ${id}`;
    tally.addProblem({ project, outcome: 'gone', reason: outOfSight, expected: false });
  }
}
