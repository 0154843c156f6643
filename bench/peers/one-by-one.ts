import { Gitlab } from '@gitbeaker/rest';
import pLimit from 'p-limit';
import type { LimitFunction } from 'p-limit';
import type { OnRow, Peer, Reading } from './peer.ts';

type Api = Gitlab;

interface Project {
  readonly id: number;
  readonly path: string;
}

interface Asking {
  readonly api: Api;
  /** A turn for each request. */
  readonly limit: LimitFunction;
  readonly reading: Reading;
  readonly onRow: OnRow;
}

const largestPage = 100;

/**
 * What PainChain's first connector did, on the REST client that its users know: a list of each kind, then the calls that
 * each object needs for what the list has not: files and approvals of a merge request, user and duration of a pipeline,
 * its jobs when it failed, a tag's image. Objects that are known and have not changed are left out, which that connector
 * did for every object that it had ever stored; tags are always asked for, as their list has no time.
 */
export const oneByOne: Peer = async (reading, onRow) => {
  const { url, token, concurrency, projects } = reading;
  // The library's own limit of requests per minute is switched off, as the connector's limit is.
  const api = new Gitlab<false>({ host: url, token, rateLimits: { '**': 10_000_000 } });
  const asking: Asking = { api, limit: pLimit(concurrency), reading, onRow };
  const listed = await pages(projects || Number.POSITIVE_INFINITY, (page, perPage) =>
    asking.limit(() => api.Projects.all({ membership: true, pagination: 'offset', orderBy: 'last_activity_at', page, perPage })),
  );
  await Promise.all(listed.map(({ id, path_with_namespace: path }) => readProject(asking, { id, path })));
};

async function readProject(asking: Asking, project: Project): Promise<void> {
  await Promise.all([
    readMergeRequests(asking, project),
    readPipelines(asking, project),
    readReleases(asking, project),
    readCommits(asking, project),
    readImages(asking, project),
  ]);
}

async function readMergeRequests({ api, limit, reading, onRow }: Asking, { id, path }: Project): Promise<void> {
  await pages(reading.rows.mergeRequests, async (page, perPage) => {
    const rows = await limit(() => api.MergeRequests.all({ projectId: id, orderBy: 'updated_at', page, perPage }));
    const work = rows.map(async ({ iid, updated_at: updatedAt }) => {
      const eventId = `mr-${path}-${iid}`;
      if (reading.known.get(eventId) === updatedAt) return;
      await Promise.all([
        limit(() => api.MergeRequests.allDiffs(id, iid, { perPage: largestPage })),
        limit(() => api.MergeRequestApprovals.showConfiguration(id, { mergerequestIId: iid })),
      ]);
      onRow(eventId, updatedAt);
    });
    await Promise.all(work);
    return rows;
  });
}

async function readPipelines({ api, limit, reading, onRow }: Asking, { id, path }: Project): Promise<void> {
  await pages(reading.rows.pipelines, async (page, perPage) => {
    const rows = await limit(() => api.Pipelines.all(id, { page, perPage }));
    const work = rows.map(async ({ id: pipelineId, status, updated_at: updatedAt }) => {
      const eventId = `pipeline-${path}-${pipelineId}`;
      if (reading.known.get(eventId) === updatedAt) return;
      const ended = status === 'failed' || status === 'canceled';
      await Promise.all([
        limit(() => api.Pipelines.show(id, pipelineId)),
        ended && limit(() => api.Jobs.all(id, { pipelineId, perPage: largestPage })),
      ]);
      onRow(eventId, updatedAt);
    });
    await Promise.all(work);
    return rows;
  });
}

/** Reads releases. The list has every field of a release. */
async function readReleases({ api, limit, reading, onRow }: Asking, { id, path }: Project): Promise<void> {
  await pages(reading.rows.releases, async (page, perPage) => {
    const rows = await limit(() => api.ProjectReleases.all(id, { page, perPage }));
    for (const { tag_name: tag, created_at: createdAt } of rows) {
      const eventId = `release-${path}-${tag}`;
      if (!reading.known.has(eventId)) onRow(eventId, createdAt);
    }
    return rows;
  });
}

/** Reads commits of a branch. The list has every field of a commit. */
async function readCommits({ api, limit, reading, onRow }: Asking, { id, path }: Project): Promise<void> {
  await pages(reading.rows.commits, async (page, perPage) => {
    const rows = await limit(() => api.Commits.all(id, { refName: 'main', withStats: true, page, perPage }));
    for (const { id: sha } of rows) if (!reading.known.has(`commit-${path}-${sha}`)) onRow(`commit-${path}-${sha}`, '');
    return rows;
  });
}

async function readImages({ api, limit, reading, onRow }: Asking, { id }: Project): Promise<void> {
  const repositories = await limit(() => api.ContainerRegistry.allRepositories({ projectId: id, page: 1, perPage: largestPage }));
  const work = repositories.map(async (repository) => {
    await pages(reading.tags, async (page, perPage) => {
      const rows = await limit(() => api.ContainerRegistry.allTags(id, repository.id, { page, perPage }));
      const tags = rows.map(async ({ name }) => {
        const tag = await limit(() => api.ContainerRegistry.showTag(id, repository.id, name));
        const eventId = `registry-${repository.path}-${name}-${tag.digest}`;
        if (!reading.known.has(eventId)) onRow(eventId, '');
      });
      await Promise.all(tags);
      return rows;
    });
  });
  await Promise.all(work);
}

/** The first rows of a list, page by page. */
async function pages<T>(wanted: number, read: (page: number, perPage: number) => Promise<readonly T[]>): Promise<T[]> {
  const rows: T[] = [];
  const perPage = Math.min(wanted, largestPage);
  for (let page = 1; rows.length < wanted; page++) {
    const some = await read(page, perPage);
    rows.push(...some);
    if (some.length < perPage) break;
  }
  return rows;
}
