import type { EventProject } from '../events/event-project.ts';
import { mergeRequestEventId } from '../events/merge-request.ts';
import { pipelineEventId } from '../events/pipeline.ts';
import { releaseEventId } from '../events/release.ts';
import { presentNodes } from '../events/text.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { FirstPage } from '../gitlab/batch.ts';
import type { Gitlab } from '../gitlab/client.ts';
import { required } from '../gitlab/graphql-response.ts';
import { connectionPages } from '../gitlab/paging.ts';
import type { ConnectionPage } from '../gitlab/paging.ts';
import type { NamedRow } from '../gitlab/read-around.ts';
import { beginningOfTime } from '../walk-state.ts';
import { largestPage } from './backfill.ts';
import type { CountsFilter } from './counts.ts';

/** Which row of GitLab it is, and when it was created and changed. */
export interface Identity {
  readonly eventId: string;
  /** Null where GitLab does not say. */
  readonly createdAt: Date | null;
  /** Null for a stream whose rows have no time of change in GitLab. */
  readonly changedAt: Date | null;
}

/** Whose rows to list. */
export interface IdentitiesQuery {
  readonly gitlab: Pick<Gitlab, 'graphql' | 'fit' | 'host'>;
  readonly project: EventProject;
  /** Empty = all. */
  readonly branches: readonly string[];
  /** Null = everything. A list that GitLab cannot narrow down also has older rows. */
  readonly since: Date | null;
}

/** How an audit lists the rows that GitLab has of a stream. */
export interface Identities {
  /** Which time of a row the depth of the walk is about. */
  readonly depthBy: 'created' | 'changed';
  /** From when on every row is stored, of a walk that has reached this depth. */
  readonly completeFrom: (depth: Date) => Date;
  /** Counts the rows of the list. */
  readonly filter: (since: Date | null) => CountsFilter;
  /** The lists of one project: GitLab filters pipelines by one branch. */
  readonly lists: (branches: readonly string[]) => number;
  /** Pages of the rows that the token may see. A row may come twice. */
  readonly pages: (query: IdentitiesQuery) => AsyncGenerator<readonly Identity[]>;
}

/** A backfill of a number of rows may end in the middle of the second that is its depth. */
const nextSecond = (depth: Date): Date => (depth > beginningOfTime ? new Date(depth.getTime() + 1000) : depth);

/** Merge requests that changed since a moment. One that changes while they are listed comes again at the end. */
export const mergeRequestIdentities: Identities = {
  depthBy: 'changed',
  completeFrom: nextSecond,
  filter: (since) => ({ changedAfter: since }),
  lists: () => 1,
  async *pages({ gitlab, project, branches, since }) {
    const narrowed = {
      ...(since ? { updatedAfter: since.toISOString() } : {}),
      ...(branches.length > 0 ? { targetBranches: [...branches] } : {}),
    };
    const read = async (after?: string) => {
      const page = { projectId: project.id, first: largestPage, ...narrowed, ...(after === undefined ? {} : { after }) };
      return required((await askProject(gitlab, 'MergeRequestIdentities', page)).mergeRequests, 'MergeRequestIdentities');
    };
    for await (const page of connectionPages(await read(), read, 'MergeRequestIdentities', () => true)) {
      yield presentNodes(page).map(({ iid, createdAt, updatedAt }) => ({
        eventId: mergeRequestEventId(project, iid),
        createdAt: new Date(createdAt),
        changedAt: new Date(updatedAt),
      }));
    }
  },
};

/** Whether a pipeline is of a tag, which may have the name of a branch. */
export const isOfTag = ({ refPath }: { readonly refPath: string | null }): boolean => refPath?.startsWith('refs/tags/') ?? false;

/** Pipelines that changed since a moment, branch by branch. */
export const pipelineIdentities: Identities = {
  depthBy: 'changed',
  completeFrom: (depth) => depth,
  filter: (since) => ({ updatedAfter: since }),
  lists: (branches) => Math.max(1, branches.length),
  async *pages({ gitlab, project, branches, since }) {
    for (const ref of branches.length > 0 ? branches : [undefined]) {
      const narrowed = { ...(since ? { updatedAfter: since.toISOString() } : {}), ...(ref === undefined ? {} : { ref }) };
      const read = async (after?: string) => {
        const page = { projectId: project.id, first: largestPage, ...narrowed, ...(after === undefined ? {} : { after }) };
        return required((await askProject(gitlab, 'PipelineIdentities', page)).pipelines, 'PipelineIdentities');
      };
      for await (const page of connectionPages(await read(), read, 'PipelineIdentities', () => true)) {
        const wanted = presentNodes(page).filter((node) => ref === undefined || !isOfTag(node));
        yield wanted.map(({ id, createdAt, updatedAt }) => ({
          eventId: pipelineEventId(project, id),
          createdAt: new Date(createdAt),
          changedAt: new Date(updatedAt),
        }));
      }
    }
  },
};

type ListedRelease = { readonly tagName: string | null; readonly createdAt: string | null };

/** All releases: GitLab has no filter for them, and no time of their last change. */
export const releaseIdentities: Identities = {
  depthBy: 'created',
  completeFrom: nextSecond,
  filter: () => ({}),
  lists: () => 1,
  async *pages({ gitlab, project }) {
    const read = async (after?: string): Promise<ConnectionPage<ListedRelease>> => {
      const page = { projectId: project.id, first: largestPage, ...(after === undefined ? {} : { after }) };
      const { releases } = await askProject(gitlab, 'ReleaseIdentities', page);
      // GitLab answers null for a project without releases.
      return releases ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
    };
    for await (const page of connectionPages<ListedRelease, ConnectionPage<ListedRelease>>(await read(), read, 'ReleaseIdentities')) {
      yield presentNodes(page).flatMap(({ tagName, createdAt }) =>
        tagName ? [{ eventId: releaseEventId(project, tagName), createdAt: createdAt ? new Date(createdAt) : null, changedAt: null }] : [],
      );
    }
  },
};

/** The stream of a batch's list, and the events of its rows. Which images a container repository has, its name does not say. */
interface FirstPageRows {
  readonly stream: string;
  readonly eventId?: (project: EventProject, row: NamedRow) => string;
}

/** The lists of a batch. */
export const firstPages: Readonly<Record<FirstPage, FirstPageRows>> = {
  mergeRequests: { stream: 'merge-requests', eventId: (project, { iid = '' }) => mergeRequestEventId(project, iid) },
  pipelines: { stream: 'pipelines', eventId: (project, { id = '' }) => pipelineEventId(project, id) },
  releases: { stream: 'releases', eventId: (project, { tagName }) => releaseEventId(project, tagName ?? '') },
  containerRepositories: { stream: 'registry-images' },
};
