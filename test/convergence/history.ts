import { expect } from 'vitest';
import type { Database } from '../../src/store/database/database.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type { World } from '../../fake-gitlab/world/world.ts';
import type { EventRow } from '../support/rows.ts';

/** In the ids of what is remembered, in place of the path under which a project was first stored. */
export const anyPath = '@path@';

/** What happened in a world, in order: the statuses of each event, and the images that each tag has pointed to. */
export interface History {
  readonly remember: () => void;
  /** Statuses of an event, one after the other. */
  readonly statusesOf: (projectId: number, eventPath: string, eventId: string) => readonly string[] | undefined;
  /** Digests that a tag has pointed to, one after the other. */
  readonly digestsOf: (tag: TagPlace) => readonly string[];
}

interface TagPlace {
  readonly projectId: number;
  readonly repositoryId: number;
  readonly tag: string;
}

const tagKey = ({ projectId, repositoryId, tag }: TagPlace) => JSON.stringify([projectId, repositoryId, tag]);

/** The statuses of everything that GitLab shows of a project. */
function statusesIn({ id, mergeRequests, pipelines, releases, deployments, git }: FakeProject): Map<string, string> {
  const key = (kind: string, name: string | number) => `${id} ${kind}-${anyPath}-${name}`;
  return new Map([
    ...mergeRequests.filter(({ isHidden }) => !isHidden).map(({ iid, state }) => [key('mr', iid), state] as const),
    ...pipelines.map((row) => [key('pipeline', row.id), row.status.toLowerCase()] as const),
    ...releases.map(({ tag }) => [key('release', tag), 'published'] as const),
    ...deployments.rows.map((row) => [key('deployment', row.iid), row.status.toLowerCase()] as const),
    ...[...git.commits.keys()].map((sha) => [key('commit', sha), 'committed'] as const),
  ]);
}

/** An empty history of a world. Call `remember` after every change. */
export function createHistory(world: World): History {
  const statuses = new Map<string, string[]>();
  const digests = new Map<string, string[]>();
  const note = (map: Map<string, string[]>, key: string, value: string) => {
    const known = map.get(key) ?? [];
    if (known.at(-1) !== value) known.push(value);
    map.set(key, known);
  };
  return {
    remember: () => {
      for (const project of world.projects) {
        const now = statusesIn(project);
        // What GitLab no longer has, or hides.
        for (const key of statuses.keys()) if (key.startsWith(`${project.id} `) && !now.has(key)) note(statuses, key, 'deleted');
        for (const [key, status] of now) note(statuses, key, status);
        for (const repository of project.imageRepositories) {
          const place = { projectId: project.id, repositoryId: repository.id };
          for (const [tag, { digest }] of repository.tags) note(digests, tagKey({ ...place, tag }), digest);
        }
      }
    },
    statusesOf: (projectId, eventPath, eventId) => statuses.get(`${projectId} ${eventId.replace(`-${eventPath}`, `-${anyPath}`)}`),
    digestsOf: (place) => digests.get(tagKey(place)) ?? [],
  };
}

/** Whether a list has all values of another one, in the same order. */
function isWithin(some: readonly string[], all: readonly string[]): boolean {
  let place = 0;
  for (const value of all) if (value === some[place]) place++;
  return place === some.length;
}

interface VersionRow {
  readonly event_id: string;
  readonly project_id: number;
  readonly event_path: string;
  readonly statuses: readonly string[];
  readonly is_in_order: boolean;
}

/** The versions of each event are states of the world, in the order in which the world had them. */
export async function checkVersions(database: Database, connectionId: number, history: History): Promise<number> {
  const rows = await database.em.fork().execute<VersionRow[]>(
    `select e.event_id, e.project_id::int as project_id, p.event_path, json_agg(v.status order by v.version) as statuses,
       bool_and(v.happened_at <= v.seen_at) as is_in_order
     from change_event_versions v join change_events e on e.id = v.change_event_id
     join gitlab_projects p on p.connection_id = e.connection_id and p.project_id = e.project_id
     where e.connection_id = ? and e.event_id not like 'registry-%' group by 1, 2, 3`,
    [connectionId],
  );
  for (const { event_id: id, project_id: projectId, event_path: path, statuses, is_in_order: isInOrder } of rows) {
    const happened = history.statusesOf(projectId, path, id);
    const seen = statuses.filter((status, index) => status !== statuses[index - 1]);
    // Of what the run has read for a while only, and the world's list of what to read has not, nothing is remembered.
    const fits = happened === undefined || isWithin(seen, happened);
    expect({ id, fits, isInOrder, seen, happened }).toMatchObject({ fits: true, isInOrder: true });
  }
  return rows.length;
}

interface TagCheck {
  readonly world: World;
  readonly history: History;
  /** Whether GitLab cannot answer for an event. */
  readonly isPoisoned: (eventId: string) => boolean;
  /** Whether everything was read again at last. */
  readonly hasReconciled: boolean;
}

/** The images of each tag are those that it pointed to, in that order, and say what replaced them; the last one is current while the tag is there. */
export function checkTags(rows: readonly EventRow[], { world, history, isPoisoned, hasReconciled }: TagCheck): void {
  const byTag = Map.groupBy(
    rows.filter(({ title }) => title.startsWith('[Image]')),
    ({ metadata: { project_id: projectId, repository_id: repositoryId, tag } }) =>
      tagKey({ projectId: Number(projectId), repositoryId: Number(repositoryId), tag: tag as string }),
  );
  for (const [key, images] of byTag) {
    const [projectId, repositoryId, tag] = JSON.parse(key) as [number, number, string];
    const digests = images.map(({ metadata }) => metadata['digest'] as string);
    const pointed = history.digestsOf({ projectId, repositoryId, tag });
    const distinct = digests.filter((digest, index) => digest !== digests[index - 1]);
    expect({ key, fits: isWithin(distinct, pointed), distinct, pointed }).toMatchObject({ fits: true });
    for (const [index, { metadata, status }] of images.entries()) {
      const next = images[index + 1]?.metadata;
      if (!next) continue;
      const isReplaced = metadata['replaced_by'] === next['digest'] && metadata['replaced_at'] === next['pushed_at'];
      expect({ key, index, isCurrent: metadata['is_current'], isOver: isReplaced || status === 'deleted' }).toMatchObject({
        isCurrent: false,
        isOver: true,
      });
    }
    const repository = world.projects.find(({ id }) => id === projectId)?.imageRepositories.find(({ id }) => id === repositoryId);
    const now = repository?.tags.get(tag);
    const others = world.projects.find(({ id }) => id === projectId)?.imageRepositories ?? [];
    if (!repository && others.length > 0 && hasReconciled)
      expect({ key, status: images.at(-1)?.status }).toEqual({ key, status: 'deleted' });
    if (!repository || now?.isBroken || images.some(({ event_id: id }) => isPoisoned(id))) continue;
    const { metadata, status } = images.at(-1) as EventRow;
    expect({ key, status, isCurrent: metadata['is_current'], digest: metadata['digest'] }).toEqual({
      key,
      // Where GitLab says which tags were pushed last, only a reconcile finds that another one is gone.
      status: now ? 'published' : hasReconciled ? 'deleted' : status,
      isCurrent: now !== undefined || (!hasReconciled && status === 'published'),
      digest: now?.digest ?? metadata['digest'],
    });
  }
}

interface DeploymentCheck extends Pick<TagCheck, 'world' | 'isPoisoned' | 'hasReconciled'> {
  readonly projectOf: (eventId: string) => number | undefined;
}

/**
 * The deployments of an environment say which commit was there before, and whether it came back, as their rows follow on each other. What runs
 * there now is what GitLab says, and nothing in one that is gone or stopped.
 */
export function checkDeployments(rows: readonly EventRow[], { world, isPoisoned, hasReconciled, projectOf }: DeploymentCheck): void {
  const byEnvironment = Map.groupBy(
    rows.filter(({ title }) => title.startsWith('[Deployment]')),
    ({ event_id: id, metadata }) => JSON.stringify([projectOf(id), metadata['environment_id']]),
  );
  const number = ({ metadata }: EventRow) => Number(metadata['deployment_iid']);
  const endOf = ({ metadata: { finished_at: at } }: EventRow) => Date.parse(at as string);
  for (const [key, own] of byEnvironment) {
    const ended = own
      .filter(({ metadata }) => metadata['finished_at'] !== null)
      .toSorted((a, b) => endOf(a) - endOf(b) || number(a) - number(b));
    const shas: unknown[] = [];
    for (const { event_id: id, status, metadata } of ended) {
      const [previous = null] = shas.slice(-1);
      const rollback = status === 'success' && shas.includes(metadata['sha']) && previous !== metadata['sha'];
      expect({ id, key, previous: metadata['previous_sha'], rollback: metadata['rollback'] }).toEqual({ id, key, previous, rollback });
      if (status === 'success') shas.push(metadata['sha']);
    }
    const [projectId, environmentId] = JSON.parse(key) as [number | null, number];
    const project = world.projects.find(({ id }) => id === projectId);
    if (!project || own.some(({ event_id: id }) => isPoisoned(id)) || (project.deployments.environments.length === 0 && !hasReconciled))
      continue;
    const environment = project.deployments.environments.find(({ id }) => id === environmentId);
    // Only a reconcile knows all environments; a list without any may be out of sight.
    if (!environment && (!hasReconciled || project.deployments.environments.length === 0)) continue;
    const last = project.deployments.rows
      .filter((row) => row.environmentId === environmentId && row.status === 'SUCCESS' && environment?.state === 'available')
      .toSorted((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0) || a.id - b.id)
      .at(-1);
    const isCurrent = own.filter(({ metadata }) => metadata['is_current'] === true).map(number);
    expect({ key, isCurrent }).toEqual({ key, isCurrent: last ? [last.iid] : [] });
  }
}

/** Rows that are open, running or published are there in the world: a project that shows other rows of a list has been asked for those. */
export function checkLeaving(
  rows: readonly EventRow[],
  { world, isPoisoned }: Pick<TagCheck, 'world' | 'isPoisoned'>,
  projectOf: (eventId: string) => number | undefined,
): void {
  for (const { event_id: id, title, status, metadata } of rows) {
    const project = world.projects.find((one) => one.id === projectOf(id));
    if (!project || isPoisoned(id)) continue;
    const visible = project.mergeRequests.filter(({ isHidden }) => !isHidden);
    if (title.startsWith('[MR]') && status === 'opened' && visible.length > 0)
      expect({ id, is: visible.some(({ iid, state }) => iid === metadata['mr_iid'] && state === 'opened') }).toEqual({ id, is: true });
    if (title.startsWith('[Pipeline]') && ['pending', 'running'].includes(status) && project.pipelines.length > 0)
      expect({ id, is: project.pipelines.some((row) => row.id === metadata['pipeline_id']) }).toEqual({ id, is: true });
    if (title.startsWith('[Deployment]') && ['created', 'running'].includes(status) && project.deployments.environments.length > 0)
      expect({ id, is: project.deployments.rows.some(({ iid }) => iid === metadata['deployment_iid']) }).toEqual({ id, is: true });
    if (title.startsWith('[Release]') && status === 'published' && project.releases.length > 0)
      expect({ id, is: project.releases.some(({ tag }) => tag === metadata['tag_name']) }).toEqual({ id, is: true });
  }
}
