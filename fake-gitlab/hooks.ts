import { randomUUID } from 'node:crypto';
import type { FakeProject } from './world/project.ts';

/** Kinds of hooks of a project or a group, with the header that names them. A hook of a job is called a build in its body. */
const headers = {
  push: 'Push Hook',
  tag_push: 'Tag Push Hook',
  merge_request: 'Merge Request Hook',
  note: 'Note Hook',
  pipeline: 'Pipeline Hook',
  build: 'Job Hook',
  deployment: 'Deployment Hook',
  release: 'Release Hook',
} as const;

/** Kinds of hooks that an administrator sets up for a whole GitLab; those of users and groups name no project. */
const systemKinds = ['push', 'tag_push', 'merge_request', 'repository_update', 'project_update', 'project_destroy', 'user_create'] as const;

export type HookKind = keyof typeof headers;
export type SystemHookKind = (typeof systemKinds)[number];
export const hookKinds = Object.keys(headers) as HookKind[];
export const systemHookKinds: readonly SystemHookKind[] = systemKinds;

/** What a GitLab sends. */
export interface FakeHook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where a hook comes from, and how it is set up. */
export interface HookOptions {
  /** The secret token of the hook. GitLab sends no header without one. */
  readonly token?: string;
  /** The URL of the GitLab. */
  readonly url?: string;
}

/** A hook of a project or a group, as GitLab sends it. */
export function hookOf(project: FakeProject, kind: HookKind, options: HookOptions = {}): FakeHook {
  return sent(headers[kind], bodies[kind](project, options.url ?? 'https://gitlab.example.com'), options);
}

/** A system hook, as GitLab sends it. */
export function systemHookOf(project: FakeProject, kind: SystemHookKind, options: HookOptions = {}): FakeHook {
  return sent('System Hook', systemBody(project, kind, options.url ?? 'https://gitlab.example.com'), options);
}

function sent(event: string, body: object, { token, url = 'https://gitlab.example.com' }: HookOptions): FakeHook {
  return {
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': 'GitLab/18.8.2-ee',
      'Idempotency-Key': randomUUID(),
      'X-Gitlab-Event': event,
      'X-Gitlab-Webhook-UUID': randomUUID(),
      'X-Gitlab-Instance': url,
      'X-Gitlab-Event-UUID': randomUUID(),
      ...(token === undefined ? {} : { 'X-Gitlab-Token': token }),
    },
    body: JSON.stringify(body),
  };
}

const user = { id: 7, name: 'Dana', username: 'dana', avatar_url: null, email: '[REDACTED]' };

const projectOf = ({ id, fullPath }: FakeProject, url: string) => ({
  id,
  name: fullPath.split('/').at(-1),
  description: null,
  web_url: `${url}/${fullPath}`,
  git_http_url: `${url}/${fullPath}.git`,
  namespace: fullPath.split('/').at(-2),
  visibility_level: 0,
  path_with_namespace: fullPath,
  default_branch: 'main',
});

const zeros = '0'.repeat(40);

function pushOf(project: FakeProject, kind: 'push' | 'tag_push', url: string) {
  return {
    object_kind: kind,
    event_name: kind,
    before: zeros,
    after: 'f'.repeat(40),
    ref: kind === 'push' ? 'refs/heads/main' : 'refs/tags/v1.0',
    user_id: user.id,
    user_username: user.username,
    project_id: project.id,
    project: projectOf(project, url),
    commits: [],
    total_commits_count: 0,
  };
}

/** Ids of other projects are in bodies too: of the project of a label, of a fork, of the pipeline that started this pipeline. */
const otherId = 4_242;

const bodies: Readonly<Record<HookKind, (project: FakeProject, url: string) => object>> = {
  push: (project, url) => pushOf(project, 'push', url),
  tag_push: (project, url) => pushOf(project, 'tag_push', url),
  merge_request: (project, url) => ({
    object_kind: 'merge_request',
    event_type: 'merge_request',
    user,
    project: projectOf(project, url),
    object_attributes: { iid: 1, source_project_id: otherId, target_project_id: project.id, action: 'update' },
    labels: [{ id: 206, title: 'API', project_id: otherId }],
    changes: {},
  }),
  note: (project, url) => ({
    object_kind: 'note',
    event_type: 'note',
    user,
    project_id: project.id,
    project: projectOf(project, url),
    object_attributes: { id: 1, note: 'Looks good', noteable_type: 'MergeRequest', project_id: project.id },
  }),
  pipeline: (project, url) => ({
    object_kind: 'pipeline',
    object_attributes: { id: 31, iid: 3, ref: 'main', status: 'success', created_at: '2026-11-23 08:00:00 UTC' },
    user,
    project: projectOf(project, url),
    source_pipeline: { project: { id: otherId }, pipeline_id: 30, job_id: 3_401 },
    builds: [{ id: 380, stage: 'test', name: 'test', status: 'success' }],
  }),
  build: (project) => ({
    object_kind: 'build',
    ref: 'main',
    build_id: 1_977,
    build_status: 'success',
    pipeline_id: 31,
    project_id: project.id,
    project_name: project.fullPath,
    user,
    commit: { id: 31, sha: 'f'.repeat(40) },
  }),
  deployment: (project, url) => ({
    object_kind: 'deployment',
    status: 'success',
    status_changed_at: '2026-11-23 08:00:00 +0000',
    deployment_id: 15,
    environment: 'production',
    project: projectOf(project, url),
    short_sha: 'ffffffff',
    user,
  }),
  release: (project, url) => ({
    id: 1,
    created_at: '2026-11-23 08:00:00 UTC',
    name: 'v1.0',
    tag: 'v1.0',
    object_kind: 'release',
    action: 'create',
    project: projectOf(project, url),
  }),
};

function systemBody(project: FakeProject, kind: SystemHookKind, url: string): object {
  const at = { created_at: '2026-11-23T08:00:00Z', updated_at: '2026-11-23T08:00:00Z' };
  if (kind === 'push' || kind === 'tag_push' || kind === 'merge_request') return bodies[kind](project, url);
  if (kind === 'user_create') return { ...at, event_name: kind, user_id: user.id, username: user.username };
  if (kind === 'repository_update')
    return { event_name: kind, user_id: user.id, project_id: project.id, project: projectOf(project, url), changes: [], refs: [] };
  return { ...at, event_name: kind, name: 'shop', path: 'shop', path_with_namespace: project.fullPath, project_id: project.id };
}

/** How hooks arrive: a queue that retries, workers that overtake each other, a network that loses. */
export interface HookFate {
  /** A number from 0 up to 1. */
  readonly random: () => number;
  readonly lost: number;
  readonly doubled: number;
}

/** The hooks as they arrive: some lost, some twice, in any order. */
export function deliver(hooks: readonly FakeHook[], { random, lost, doubled }: HookFate): FakeHook[] {
  const arriving = hooks.filter(() => random() >= lost).flatMap((hook) => (random() < doubled ? [hook, hook] : [hook]));
  return arriving
    .map((hook) => ({ hook, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ hook }) => hook);
}
