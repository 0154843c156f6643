import { inOrder } from '../graphql/connections.ts';
import { byId } from '../graphql/nodes.ts';
import type { FakeProject } from '../world/project.ts';
import type { FakeJob, FakePipeline } from '../world/records.ts';
import { restTime } from '../world/time.ts';
import type { Micros } from '../world/time.ts';
import { subjectOf } from '../world/subjects.ts';
import { poisonedObject } from './poisoned.ts';
import { forbidden, notFound, offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

/** `GET /projects/:id/pipelines`, newest first, without user and duration. */
export function listPipelines(project: FakeProject, url: URL, projectUrl: string): RestReply {
  if (!isReadable(project)) return forbidden;
  const rows = inOrder({ rows: project.pipelines, order: [byId('desc')], revision: project.revision });
  return offsetPage(url, rows, {
    counts: true,
    toBody: (row) => pipelineBody(row, project, projectUrl),
    faults: { poisons: project.poisons, toSubject: subjectOf(project).pipeline },
  });
}

/** `GET /projects/:id/pipelines/:pipeline_id` */
export function describePipeline(project: FakeProject, id: string, projectUrl: string): RestReply {
  const found = readable(project, id);
  if (!('jobs' in found)) return found;
  const { startedAt, finishedAt, duration, user } = found;
  const body = {
    ...pipelineBody(found, project, projectUrl),
    started_at: time(startedAt),
    finished_at: time(finishedAt),
    duration,
    user: user && { username: user, name: user },
  };
  return poisonedObject({ status: 200, body }, project.poisons, subjectOf(project).pipeline(found));
}

/** `GET /projects/:id/pipelines/:pipeline_id/jobs`, without retried jobs. */
export function listPipelineJobs(project: FakeProject, id: string, url: URL): RestReply {
  const found = readable(project, id);
  if (!('jobs' in found)) return found;
  const scopes = [...url.searchParams.getAll('scope[]'), ...url.searchParams.getAll('scope')];
  const jobs = found.jobs.filter(({ status, retried }) => !retried && (scopes.length === 0 || scopes.includes(status.toLowerCase())));
  const toBody = ({ id: jobId, name, stage, status, startedAt, finishedAt, allowFailure, failureMessage }: FakeJob) => ({
    id: jobId,
    name,
    stage,
    status: status.toLowerCase(),
    started_at: time(startedAt),
    finished_at: time(finishedAt),
    allow_failure: allowFailure,
    failure_reason: failureMessage && 'script_failure',
  });
  return offsetPage(url, jobs, { counts: true, toBody, faults: { poisons: project.poisons, toSubject: subjectOf(project).job } });
}

const isReadable = ({ role, features, publicPipelines }: FakeProject) => features.ci && (role === 'reporter' || publicPipelines);

function readable(project: FakeProject, id: string): FakePipeline | RestReply {
  if (!isReadable(project)) return forbidden;
  return project.pipelines.find((row) => String(row.id) === id) ?? notFound('');
}

const time = (at: Micros | null) => (at === null ? null : restTime(at));

const pipelineBody = (row: FakePipeline, project: FakeProject, projectUrl: string) => ({
  id: row.id,
  iid: row.iid,
  project_id: project.id,
  sha: row.sha,
  ref: row.ref,
  status: row.status.toLowerCase(),
  source: row.source,
  created_at: restTime(row.createdAt),
  updated_at: restTime(row.updatedAt),
  web_url: `${projectUrl}/-/pipelines/${row.id}`,
});
