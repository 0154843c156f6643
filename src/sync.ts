import pLimit from 'p-limit';
import type { Config } from './config.ts';
import { ForbiddenError, GitlabRequestError, NotFoundError, UnauthorizedError } from './errors.ts';
import { batchSizes, readBatch } from './gitlab/batch.ts';
import type { Gitlab } from './gitlab/client.ts';
import { memberProjects, projectsOf } from './gitlab/projects.ts';
import type { Logger } from './log.ts';
import { createTally } from './report.ts';
import type { SyncReport, Tally } from './report.ts';
import type { Store } from './store/store.ts';
import { streams } from './streams/index.ts';
import type { Page, Stream, StreamContext, StreamOptions, Walk, WalkEnd } from './streams/stream.ts';

/** What a pass works with. */
export interface Pass {
  readonly config: Config;
  readonly gitlab: Gitlab;
  readonly store: Store;
  readonly log: Logger;
  /** Our clock: for durations and bookkeeping, never for watermarks. */
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  /** Called whenever a figure has moved. */
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined;
}

/** How far a pass has come. */
export interface SyncProgress {
  readonly projects: number;
  readonly projectsDone: number;
  readonly requests: number;
  readonly fetched: number;
  readonly stored: number;
}

/** GitLab may commit a change a little after the moment that it notes as its time; so much is read again. */
const overlapMs = 60_000;

/**
 * Reads what the configuration asks for into the store: projects, then batches of projects, then what does not fit on
 * their first pages. What cannot be read is named in the report and stops nothing else; a token that GitLab does not
 * take, a GitLab that cannot be reached for the list of projects, and a database that refuses end the pass with their error.
 */
export async function runPass(pass: Pass): Promise<SyncReport> {
  const startedAt = pass.now();
  const tally = createTally(streams.map(({ name }) => name));
  const { ids, missing } = await wantedProjects(pass);
  for (const entry of missing) {
    tally.addProblem({
      project: entry,
      outcome: 'failed',
      reason: 'no project or group with this path, or out of sight for this token',
      expected: false,
    });
  }
  const progress = progressOf(pass, tally, ids.length);
  const batches = chunks(ids, batchSizes.projects);
  // As many batches at once as requests: what is in memory is bounded by what is under way, not by the number of projects.
  const limit = pLimit(pass.config.concurrency);
  const refused = await everyOne(batches.map((batch) => limit(() => syncBatch(pass, { projectIds: batch, tally, progress }))));
  const reason = refused.find((error) => error !== null);
  if (reason && !refused.includes(null)) throw reason;
  await pass.store.markSynced(pass.now());
  const report = tally.report({ requests: { ...pass.gitlab.requests }, durationMs: pass.now().getTime() - startedAt.getTime() });
  pass.log.info(
    { fetched: report.fetched, stored: report.stored, problems: report.problems.length, durationMs: report.durationMs },
    'pass ended',
  );
  return report;
}

async function wantedProjects({ config, gitlab }: Pass): Promise<{ readonly ids: readonly number[]; readonly missing: readonly string[] }> {
  if (config.repos.length === 0) {
    const projects = await memberProjects(gitlab.graphql, config.projectLimit);
    return { ids: projects.map(({ id }) => id), missing: [] };
  }
  const { projects, ids, missing } = await projectsOf(
    gitlab.graphql,
    config.repos.map((entry) => pathOf(entry, config.url)),
  );
  return { ids: [...new Set([...ids, ...projects.map(({ id }) => id)])], missing };
}

/** An entry of `repos` without what people paste with it: the GitLab's own URL, slashes at the ends, `.git`. */
function pathOf(entry: string, url: string): string {
  const path = entry.startsWith(`${url}/`) ? entry.slice(url.length) : entry;
  return path.replaceAll(/^\/+|\/+$/g, '').replace(/\.git$/, '');
}

interface BatchWork {
  readonly projectIds: readonly number[];
  readonly tally: Tally;
  readonly progress: { readonly update: () => void; readonly projectsEnded: (count: number) => void };
}

/** Resolves to the error that kept the whole batch from being read, or null. */
async function syncBatch(pass: Pass, { projectIds, tally, progress }: BatchWork): Promise<GitlabRequestError | null> {
  const { config, gitlab, store, now } = pass;
  const limit = config.syncLimit === 'all' ? Number.POSITIVE_INFINITY : config.syncLimit;
  const options: StreamOptions = {
    branches: config.branches,
    limit,
    tagLimit: config.tagLimit === 0 ? Number.POSITIVE_INFINITY : config.tagLimit,
  };
  const batch = await settle(
    readBatch(gitlab.graphql, { projectIds, pageSize: Math.min(limit, batchSizes.pageSize), branches: config.branches }),
  );
  if ('end' in batch) {
    for (const id of projectIds) tally.addProblem({ project: `project ${id}`, ...problemOf(batch.end) });
    progress.projectsEnded(projectIds.length);
    return batch.error;
  }
  const { projects, missing, at } = batch.value;
  await reportMissing(pass, tally, missing);
  const seen = projects.map(({ id, node }) => ({ id, fullPath: node.fullPath, webUrl: node.webUrl ?? `${config.url}/${node.fullPath}` }));
  const seenAt = at ?? now();
  const known = await store.saveProjects(seen, seenAt);
  const watermark = at && new Date(at.getTime() - overlapMs);
  const work = projects.flatMap((project) => {
    const eventProject = known.get(project.id);
    if (!eventProject) return [];
    const context: StreamContext = { project: eventProject, gitlab, batch: project, options, watermark, seenAt };
    return [syncProject(pass, { context, tally, update: progress.update }).finally(() => progress.projectsEnded(1))];
  });
  tally.addProjects(projects.length);
  progress.projectsEnded(missing.length);
  await everyOne(work);
  return null;
}

async function reportMissing({ store }: Pass, tally: Tally, missing: readonly number[]): Promise<void> {
  if (missing.length === 0) return;
  const reason = 'deleted, or out of sight for this token';
  const known = await store.markGone(missing, reason);
  for (const id of missing) tally.addProblem({ project: known.get(id) ?? `project ${id}`, outcome: 'gone', reason, expected: false });
}

interface ProjectWork {
  readonly context: StreamContext;
  readonly tally: Tally;
  readonly update: () => void;
}

/** All streams of one project at once; the walks of a stream one after the other. */
async function syncProject(pass: Pass, work: ProjectWork): Promise<void> {
  await everyOne(
    streams.map(async (stream) => {
      const listed = await settle(syncStream(pass, work, stream));
      if ('end' in listed) await endWalk(pass, work, { stream, scope: '', end: listed.end });
    }),
  );
}

async function syncStream(pass: Pass, work: ProjectWork, stream: Stream): Promise<void> {
  for await (const walk of stream.walks(work.context)) {
    const walked = await settle(syncWalk(pass, work, stream, walk));
    if ('end' in walked) await endWalk(pass, work, { stream, scope: walk.scope, end: walked.end });
  }
}

async function syncWalk(pass: Pass, work: ProjectWork, stream: Stream, walk: Walk): Promise<void> {
  for await (const page of walk.pages()) {
    pass.signal?.throwIfAborted();
    await savePage(pass, work, { stream, scope: walk.scope, page });
  }
}

/** Stores how a walk ended that could not say so itself. */
async function endWalk(
  pass: Pass,
  work: ProjectWork,
  { stream, scope, end }: { readonly stream: Stream; readonly scope: string; readonly end: WalkEnd },
) {
  await savePage(pass, work, { stream, scope, page: { events: [], end } });
}

async function savePage(
  { store, log }: Pass,
  { context, tally, update }: ProjectWork,
  { stream, scope, page }: { readonly stream: Stream; readonly scope: string; readonly page: Page },
): Promise<void> {
  const { events, progress, end } = page;
  const outcome = end ? { outcome: end.outcome, error: end.reason ?? null } : {};
  const saved = await store.savePage({
    projectId: context.project.id,
    stream: stream.name,
    scope,
    events,
    state: { ...progress, ...outcome },
    seenAt: context.seenAt,
  });
  tally.addPage(stream.name, { fetched: events.length, ...saved });
  if (end && end.outcome !== 'ok') {
    tally.addProblem({ project: context.project.fullPath, stream: stream.name, ...(scope ? { scope } : {}), ...problemOf(end) });
  }
  log.debug({ project: context.project.fullPath, stream: stream.name, scope, fetched: events.length, ...saved }, 'page stored');
  update();
}

function problemOf({ outcome, reason, byLimit }: WalkEnd) {
  const expected = byLimit === true || outcome === 'disabled';
  return { outcome: outcome as Exclude<WalkEnd['outcome'], 'ok'>, reason: reason ?? '', expected };
}

/** The value, or how a walk ends that failed on GitLab's side. What concerns the whole pass is thrown on. */
async function settle<T>(
  promise: Promise<T>,
): Promise<{ readonly value: T } | { readonly end: WalkEnd; readonly error: GitlabRequestError }> {
  try {
    return { value: await promise };
  } catch (error) {
    if (!(error instanceof GitlabRequestError) || error instanceof UnauthorizedError) throw error;
    const outcome = error instanceof ForbiddenError ? 'forbidden' : error instanceof NotFoundError ? 'gone' : 'failed';
    return { end: { outcome, reason: error.message }, error };
  }
}

/** Waits for all, so that nothing goes on in the background, before it throws the first error. */
async function everyOne<T>(promises: ReadonlyArray<Promise<T>>): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function progressOf({ onProgress, gitlab }: Pass, tally: Tally, projects: number) {
  let projectsDone = 0;
  const update = () =>
    onProgress?.({ projects, projectsDone, requests: gitlab.requests.graphql + gitlab.requests.rest, ...tally.totals() });
  const projectsEnded = (count: number) => {
    projectsDone += count;
    update();
  };
  update();
  return { update, projectsEnded };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
