import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import { batchSizes, readBatch } from '../gitlab/batch.ts';
import type { Batch, BatchAsk, BatchProject, BatchQuery } from '../gitlab/batch.ts';
import { groupProjects, memberProjects } from '../gitlab/projects.ts';
import { mayBeOfARow } from '../gitlab/read-around.ts';
import type { EventProject } from '../events/event-project.ts';
import type { SeenProject } from '../store/progress/save-projects.ts';
import type { WalkEnd } from '../streams/stream.ts';
import { problemOf, settle } from './settle.ts';
import type { Settled } from './settle.ts';
import { readByIds } from './read-by-ids.ts';
import type { IdBatch } from './read-by-ids.ts';
import { isDue } from './reconcile.ts';
import type { Due } from './reconcile.ts';
import { chunks, everyOne, isSelected, listsOf } from './pass-state.ts';
import type { PassState } from './pass-state.ts';
import type { ListedSource } from './selection.ts';
import { bySharedSince, fitsSince, sinceOf } from './since.ts';
import { hasNews, withoutKnownRows } from './known-rows.ts';
import { syncProject } from './sync-project.ts';

/** How far the projects of a pass are read. */
export interface Reading {
  readonly pass: PassState;
  /** Limits the batches that are read at once, and so the memory, whatever the number of projects. */
  readonly limit: LimitFunction;
  /** Projects that GitLab returned, or that were asked for by id. */
  readonly asked: Set<number>;
  /** Projects of lists that must be asked by id, since a moment of their own. */
  readonly waiting: number[];
  /** GitLab fails on a list, because of a row perhaps: the waiting projects are asked by the names of their rows. */
  isFailing: boolean;
  /** Projects to reconcile. */
  readonly due: Due[];
}

/** Nothing is read yet. */
export const createReading = (pass: PassState): Reading => ({
  pass,
  limit: pLimit(pass.config.concurrency),
  asked: new Set(),
  waiting: [],
  isFailing: false,
  due: [],
});

/** How the reading of a list ended; `missing`: there is no such group, or it is out of sight. */
export type ListEnd = 'whole' | 'cut' | 'missing';

/**
 * Reads the projects of a list that can be asked together what changed since a moment; the others wait for `readIds`.
 * A page is asked for while the pages before it are stored. Where GitLab fails on a row, the names of the rows are asked for.
 */
export async function readList(reading: Reading, source: ListedSource, since: Date): Promise<ListEnd> {
  const { pass, limit } = reading;
  const { projectLimit, branches } = pass.config;
  let left = source.kind === 'membership' && projectLimit > 0 ? projectLimit : Number.POSITIVE_INFINITY;
  let isWhole = true;
  const isKnownToFail = hasFailingRows(pass, since);
  let byName = isKnownToFail;
  const work: Array<Promise<void>> = [];
  const ended = new AbortController();
  try {
    for (let from: ListedSource | null = source; from && left > 0 && !ended.signal.aborted;) {
      const page: ListedSource = from.kind === 'membership' ? { ...from, projects: Math.min(from.projects, left) } : from;
      const query: BatchQuery = { source: page, ask: { kind: 'changes', since }, branches, lists: listsOf(pass.streams), byName };
      const answer: Settled<Batch | null> = await limit(() => settle(readBatch(pass.gitlab, query)));
      pass.circuitBreaker.note(answer);
      if ('end' in answer) {
        const isOfARow = mayBeOfARow(answer.error);
        if (isOfARow && !byName) {
          byName = true;
          continue;
        }
        if (isOfARow && (await listByName(reading, source))) {
          reading.isFailing = true;
          return 'whole';
        }
        pass.tally.addProblem({ project: nameOf(source), ...problemOf(answer.end) });
        return 'cut';
      }
      const batch: Batch | null = answer.value;
      if (!batch) return 'missing';
      isWhole &&= !batch.mayLackProjects;
      left -= batch.projects.length;
      const task = limit(() => syncBatch(reading, batch, { projects: fitting(reading, batch, since), isKnownToFail }));
      // An error that ends the pass is thrown below. Here it only ends the list.
      task.catch(() => ended.abort());
      work.push(task);
      from = batch.next === null ? null : { ...from, after: batch.next };
    }
  } finally {
    await Promise.allSettled(work);
  }
  await everyOne(work);
  // An answer with errors may lack projects.
  return isWhole || (await listByName(reading, source)) ? 'whole' : 'cut';
}

const hasFailingRows = ({ known, gaps }: PassState, since: Date): boolean =>
  [...known.values()].some((project) => isSelected(project) && gaps.breaksLists(project.id, since));

/** Lists projects by name only; those that were not asked for wait for `readIds`. Resolves to whether GitLab gave the list. */
async function listByName({ pass, asked, waiting }: Reading, source: ListedSource): Promise<boolean> {
  const { graphql } = pass.gitlab;
  const listed = await settle(
    source.kind === 'group' ? groupProjects(graphql, source.path) : memberProjects(graphql, pass.config.projectLimit),
  );
  if ('end' in listed) return false;
  for (const { id } of listed.value ?? []) if (!asked.has(id)) waiting.push(id);
  return true;
}

const nameOf = (source: ListedSource) => (source.kind === 'group' ? source.path : 'memberships of the token');

const addFailure = ({ tally, known }: PassState, id: number, end: WalkEnd) =>
  tally.addProblem({ project: known.get(id)?.fullPath ?? `project ${id}`, ...problemOf(end) });

/** Reads projects by id, and the waiting ones. Resolves to the ids that GitLab did not return. */
export async function readIds(reading: Reading, ids: readonly number[]): Promise<number[]> {
  const { asked, waiting, pass, limit } = reading;
  const wanted = [...new Set([...ids.filter((id) => !asked.has(id)), ...waiting])];
  for (const id of wanted) asked.add(id);
  const batches = batchesOf(pass, wanted).map((batch) => (reading.isFailing ? { ...batch, byName: true } : batch));
  const absent = await everyOne(batches.map((batch) => limit(() => readBatchOfIds(reading, batch))));
  return absent.flat();
}

/** The projects of a list that can be asked together; the others wait. */
function fitting({ pass, asked, waiting }: Reading, { projects }: Batch, since: Date): BatchProject[] {
  return projects.filter(({ id }) => {
    const fits = fitsSince(sinceOf(pass.states.get(id), pass.streams), since);
    asked.add(id);
    if (!fits) waiting.push(id);
    return fits;
  });
}

/** GitLab renames a project that somebody has deleted, until it goes for good. It keeps its name here. */
const deletionSuffix = /-deletion_scheduled-\d+$/;
const pendingDeletion = { outcome: 'gone', reason: 'is scheduled for deletion in GitLab', expected: true } as const;

function placeOf({ fullPath, webUrl }: Pick<BatchProject['node'], 'fullPath' | 'webUrl'>, url: string) {
  const isPendingDeletion = deletionSuffix.test(fullPath);
  const keep = (text: string) => text.replace(deletionSuffix, '');
  return { fullPath: keep(fullPath), webUrl: keep(webUrl ?? `${url}/${fullPath}`), isPendingDeletion };
}

/** Stores what is new of projects. Resolves to all of them by id. */
async function saveSeen({ store, known, upcoming }: PassState, seen: readonly SeenProject[], at: Date): Promise<Map<number, EventProject>> {
  const isAsKnown = ({ id, fullPath, webUrl }: SeenProject) => {
    const before = known.get(id);
    return isSelected(before) && before.fullPath === fullPath && before.webUrl === webUrl;
  };
  const changed = store.mayHaveFormerRows() ? seen : seen.filter((project) => !isAsKnown(project));
  const saved = changed.length > 0 ? await store.saveProjects(changed, at) : new Map<number, EventProject>();
  const projectIds = seen.flatMap(({ id }) => {
    const out = upcoming.get(id);
    return out && out <= at ? [id] : [];
  });
  if (projectIds.length > 0) await store.publishReleases({ projectIds, at });
  return new Map(seen.flatMap(({ id }) => saved.get(id) ?? known.get(id) ?? []).map((project) => [project.id, project]));
}

interface BatchPart {
  readonly projects: readonly BatchProject[];
  /** GitLab is known to fail on a row of the list, whose names were asked for: other projects that have changed can be asked together. */
  readonly isKnownToFail?: boolean;
}

async function syncBatch(
  { pass, due, waiting }: Reading,
  { at, startedAt }: Batch,
  { projects, isKnownToFail = false }: BatchPart,
): Promise<void> {
  const { config, tally, progress, known, gaps } = pass;
  const seen = projects.map(({ id, node }) => ({ id, ...placeOf(node, config.url) }));
  const saved = await saveSeen(pass, seen, at);
  for (const { isPendingDeletion, fullPath } of seen) if (isPendingDeletion) tally.addProblem({ project: fullPath, ...pendingDeletion });
  const named = await Promise.all(
    projects.map(async (batch) => {
      const project = saved.get(batch.id);
      return project ? withoutKnownRows(pass, { project, batch, at, startedAt }) : batch;
    }),
  );
  const mayFail = ({ id, ask }: BatchProject) => gaps.breaksLists(id, ask.kind === 'changes' ? ask.since : null);
  const isForLater = (batch: BatchProject) => isKnownToFail && hasNews(batch) && !mayFail(batch);
  waiting.push(...named.filter(isForLater).map(({ id }) => id));
  const now = named.filter((batch) => !isForLater(batch));
  progress.projectsFound(now.length);
  tally.addProjects(now.length);
  const sync = async (batch: BatchProject) => {
    const project = saved.get(batch.id);
    if (project) await syncProject(pass, { project, batch, at, startedAt });
    const before = known.get(batch.id);
    if (project && before && isDue(pass, before, at)) due.push({ project, at });
    progress.projectsEnded(1);
  };
  await everyOne(now.map(sync));
}

async function readBatchOfIds(reading: Reading, batch: IdBatch): Promise<number[]> {
  const { pass } = reading;
  const gone: number[] = [];
  for await (const answer of readByIds(pass, batch)) {
    if ('batch' in answer) {
      await syncBatch(reading, answer.batch, answer.batch);
      gone.push(...answer.absent);
    } else for (const id of answer.failed) addFailure(pass, id, answer.end);
  }
  return gone;
}

/** Batches of new projects ask for the newest rows; batches of known projects ask for what changed since the earliest of their watermarks. */
export function batchesOf(pass: Pick<PassState, 'states' | 'options' | 'now' | 'gaps' | 'streams'>, ids: readonly number[]): IdBatch[] {
  const fails = (id: number) => {
    const since = sinceOf(pass.states.get(id), pass.streams);
    return pass.gaps.breaksLists(id, since instanceof Date ? since : null);
  };
  const failing = new Set(ids.filter(fails));
  const byName = batchesOfSome(pass, [...failing]).map((batch) => ({ ...batch, byName: true }));
  return [
    ...batchesOfSome(
      pass,
      ids.filter((id) => !failing.has(id)),
    ),
    ...byName,
  ];
}

function batchesOfSome(
  { states, options, now, streams }: Pick<PassState, 'states' | 'options' | 'now' | 'streams'>,
  ids: readonly number[],
): IdBatch[] {
  const moments = ids.map((id) => ({ id, since: sinceOf(states.get(id), streams) }));
  const dated = moments.flatMap(({ id, since }) => (since instanceof Date ? [{ id, since }] : []));
  // A project of which no stream can be read has no moment: it joins the others.
  const latest = dated.reduce((moment, { since }) => (since > moment ? since : moment), new Date(0));
  const anyMoment = dated.length > 0 ? latest : now();
  const undated = moments.flatMap(({ id, since }) => (since === 'any' ? [{ id, since: anyMoment }] : []));
  const fresh = moments.flatMap(({ id, since }) => (since === null ? [id] : []));
  const newest: BatchAsk = { kind: 'newest', rows: options.depth.rows ?? batchSizes.newest.pageSize };
  return [
    ...chunks(fresh, batchSizes.newest.projects).map((some) => ({ ids: some, ask: newest })),
    ...bySharedSince([...dated, ...undated], batchSizes.changes.projects).map(({ since, ids: some }) => ({
      ids: some,
      ask: { kind: 'changes' as const, since },
    })),
  ];
}
