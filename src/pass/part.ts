import { batchSizes } from '../gitlab/batch.ts';
import { batchesOf, createReading, readIds } from './read-projects.ts';
import { reconcile } from './reconcile.ts';
import type { SyncReport } from './report.ts';
import { isSelected } from './pass-state.ts';
import type { Pass, PassState } from './pass-state.ts';
import { endProjects, reportOf, startPass } from './pass.ts';
import { noSuchEntry, projectsUnder, selectProjects } from './selection.ts';

/** How a connection is best read: in one pass, or in parts that may run at once. */
export type Parts = { readonly kind: 'whole' } | { readonly kind: 'parts'; readonly parts: readonly Part[]; readonly report: SyncReport };

/** Ids of projects that share a request when nothing has changed. */
export type Part = readonly number[];

/** Up to so many known projects need no listing before they are read. */
const fewProjects = batchSizes.changes.projects;

/**
 * Lists the projects that the configuration asks for, without reading what changed in them, and notes those that are
 * gone or no longer among the ones to read. `report` has the entries that lead to none. Connections of which no more
 * than a few projects are known are not listed: a pass reads them faster. Resolves to null when another pass runs over
 * the whole connection.
 */
export function listParts(pass: Pass): Promise<Parts | null> {
  return pass.store.exclusively(async (): Promise<Parts> => {
    const startedAt = pass.now();
    const run = await startPass(pass);
    const selected = [...run.known.values()].filter(isSelected).length;
    if (selected > 0 && selected <= fewProjects) return { kind: 'whole' };
    const ids = await listProjects(run);
    pass.signal?.throwIfAborted();
    return { kind: 'parts', parts: batchesOf(run, ids).map((batch) => batch.ids), report: reportOf(run, startedAt) };
  }, []);
}

async function listProjects(run: PassState): Promise<number[]> {
  const { ids, missing } = await selectProjects(run, true);
  for (const entry of missing) run.tally.addProblem({ project: entry, outcome: 'failed', reason: noSuchEntry, expected: false });
  // A group that has moved is followed by its projects.
  const followed = missing.flatMap((entry) => projectsUnder(entry, run.known.values()));
  const wanted = new Set([...ids, ...followed]);
  await endProjects(
    run,
    [],
    [...run.known.keys()].filter((id) => !wanted.has(id)),
  );
  return [...wanted];
}

/**
 * Reads some projects of a connection, by id. Passes over other projects of it may run at once. Resolves to null at
 * once when one over the whole connection runs, or one over any of these projects.
 */
export function readPart(pass: Pass, projectIds: Part): Promise<SyncReport | null> {
  return pass.store.exclusively(async () => {
    const startedAt = pass.now();
    const run = await startPass(pass, projectIds);
    const reading = createReading(run);
    const gone = await readIds(reading, projectIds);
    run.answers.throwIfNone();
    await endProjects(run, gone, []);
    await reconcile(run, reading.due);
    await run.store.linkEvents(projectIds);
    return reportOf(run, startedAt);
  }, projectIds);
}
