import { batchSizes } from '../gitlab/batch.ts';
import { batchesOf, createReading, readIds } from './read-projects.ts';
import { nameMissingBranches } from './missing-branches.ts';
import { reconcile } from './reconcile.ts';
import { noticeRestore } from './restore.ts';
import type { SyncReport } from './report.ts';
import { isSelected } from './pass-state.ts';
import type { Pass, PassState } from './pass-state.ts';
import { endProjects, reportOf, startPass } from './pass.ts';
import { noSuchEntry, projectsUnder, selectProjects } from './selection.ts';

/** How a connection is best read: in one pass, or in parts that may be read at the same time. */
export type Parts = { readonly kind: 'whole' } | { readonly kind: 'parts'; readonly parts: readonly Part[]; readonly report: SyncReport };

/** Ids of projects that share a request when nothing has changed. */
export type Part = readonly number[];

/** No project of GitLab has this id: the lock of the list itself, and of what concerns all parts of a connection. */
const listing = [0];

/** A connection with at most so many known projects is read in one pass. */
const fewProjects = batchSizes.changes.projects;

/**
 * Lists the projects that the configuration asks for, without reading what changed in them. Notes the projects that are
 * gone, and those that the configuration no longer asks for. `report` names the entries of `repos` that lead to no
 * project. A connection with few known projects is not listed: one pass reads it faster. Resolves to null when another
 * pass runs over the whole connection, or lists its projects.
 */
export function listParts(input: Pass): Promise<Parts | null> {
  return input.store.exclusively(async (store): Promise<Parts> => {
    const startedAt = input.now();
    const pass = await startPass({ ...input, store });
    const selected = [...pass.known.values()].filter(isSelected).length;
    if (selected > 0 && selected <= fewProjects) return { kind: 'whole' };
    const ids = await listProjects(pass);
    input.signal?.throwIfAborted();
    return { kind: 'parts', parts: batchesOf(pass, ids).map((batch) => batch.ids), report: reportOf(pass, startedAt) };
  }, listing);
}

async function listProjects(pass: PassState): Promise<number[]> {
  const { ids, missing } = await selectProjects(pass, true);
  for (const entry of missing) pass.tally.addProblem({ project: entry, outcome: 'failed', reason: noSuchEntry, expected: false });
  // A group that has moved is followed by its projects.
  const followed = missing.flatMap((entry) => projectsUnder(entry, pass.known.values()));
  const wanted = new Set([...ids, ...followed]);
  await endProjects(
    pass,
    [],
    [...pass.known.keys()].filter((id) => !wanted.has(id)),
  );
  return [...wanted];
}

/** Notes that every part of a connection was read. A pass over the whole of it that runs now notes its own end. */
export async function endParts({ store, now }: Pick<Pass, 'store' | 'now'>): Promise<void> {
  await store.exclusively((locked) => locked.markSynced(now()), listing);
}

/**
 * Reads some projects of a connection, by id. Other parts of the connection may be read at the same time. Resolves to
 * null at once when a pass runs over the whole connection, or over any of these projects.
 */
export function readPart(input: Pass, projectIds: Part): Promise<SyncReport | null> {
  return input.store.exclusively(async (store) => {
    const startedAt = input.now();
    const pass = await startPass({ ...input, store }, projectIds);
    const reading = createReading(pass);
    const gone = await readIds(reading, projectIds);
    pass.circuitBreaker.throwIfNone();
    await endProjects(pass, gone, []);
    await nameMissingBranches(pass, projectIds);
    await noticeRestore(pass);
    await reconcile(pass, reading.due);
    await pass.quiet.store();
    await pass.store.linkEvents(projectIds);
    return reportOf(pass, startedAt);
  }, projectIds);
}
