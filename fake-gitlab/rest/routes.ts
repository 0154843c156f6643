import type { FakeProject } from '../world/project.ts';
import type { World } from '../world/world.ts';
import { describeCommit, listCommits } from './commits.ts';
import { listDiffs, listMergeRequests, showApprovals } from './merge-requests.ts';
import { describePipeline, listPipelineJobs, listPipelines } from './pipelines.ts';
import { listProjects } from './projects.ts';
import { describeTag, listImageRepositories, listTags } from './registry.ts';
import { listReleases } from './releases.ts';
import { notFound } from './reply.ts';
import type { RestReply } from './reply.ts';
import { listGroupWebhooks, listWebhooks } from './webhooks.ts';

/** A REST request for a resource of a project. */
interface ProjectRequest {
  readonly world: World;
  readonly project: FakeProject;
  /** URL of the project's page. */
  readonly projectUrl: string;
  readonly url: URL;
  /** Values of the placeholders in the path. */
  readonly parts: readonly string[];
}

/** Routes below `/projects/:id/`. */
const routes: ReadonlyArray<readonly [RegExp, (request: ProjectRequest) => RestReply]> = [
  [/^repository\/commits$/, ({ world, project, url, projectUrl }) => listCommits(world, project, url, projectUrl)],
  [
    /^repository\/commits\/([^/]+)$/,
    ({ project, parts: [sha = ''], url, projectUrl }) => describeCommit(project, sha, { url, projectUrl }),
  ],
  [/^registry\/repositories$/, ({ project, url }) => listImageRepositories(project, url)],
  [
    /^registry\/repositories\/(\d+)\/tags$/,
    ({ world, project, parts: [repository], url }) => listTags({ world, project, repositoryId: Number(repository), url }),
  ],
  [
    /^registry\/repositories\/(\d+)\/tags\/([^/]+)$/,
    ({ world, project, parts: [repository, tag = ''] }) => describeTag({ world, project, repositoryId: Number(repository) }, tag),
  ],
  [/^merge_requests$/, ({ project, url, projectUrl }) => listMergeRequests(project, url, projectUrl)],
  [/^merge_requests\/(\d+)\/diffs$/, ({ project, parts: [iid = ''], url }) => listDiffs(project, iid, url)],
  [/^merge_requests\/(\d+)\/approvals$/, ({ project, parts: [iid = ''] }) => showApprovals(project, iid)],
  [/^pipelines$/, ({ project, url, projectUrl }) => listPipelines(project, url, projectUrl)],
  [/^pipelines\/(\d+)$/, ({ project, parts: [id = ''], projectUrl }) => describePipeline(project, id, projectUrl)],
  [/^pipelines\/(\d+)\/jobs$/, ({ project, parts: [id = ''], url }) => listPipelineJobs(project, id, url)],
  [/^hooks$/, ({ world, project, url }) => listWebhooks(world, 'project', { path: project.fullPath, url })],
  [/^releases$/, ({ project, url }) => listReleases(project, url)],
];

/** A request below `/api/v4`: its base URL, and the path after `/v4/`. */
export interface RestRequest {
  readonly url: URL;
  /** Base URL of the GitLab. */
  readonly baseUrl: string;
  readonly path: string;
}

/** Answers a request of the REST API. A path that is not implemented gets 404. */
export function answerRest(world: World, { url, baseUrl, path }: RestRequest): RestReply {
  if (path === 'projects') return listProjects(world, url, baseUrl);
  const [, group] = /^groups\/([^/]+)\/hooks$/.exec(path) ?? [];
  if (group !== undefined) return listGroupWebhooks(world, url, decodeURIComponent(group));
  const [, id = '', rest = ''] = /^projects\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const found = routes.flatMap(([pattern, answer]) => {
    const match = pattern.exec(rest);
    return match ? [{ answer, parts: match.slice(1).map(decodeURIComponent) }] : [];
  })[0];
  if (!found) return { status: 404, body: { error: '404 Not Found' } };
  const wanted = decodeURIComponent(id);
  const project = world.visibleProjects.find((row) => String(row.id) === wanted || row.fullPath === wanted);
  if (!project) return notFound('Project ');
  return found.answer({ world, project, projectUrl: `${baseUrl}/${project.fullPath}`, url, parts: found.parts });
}
