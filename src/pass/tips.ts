import type { Gitlab } from '../gitlab/client.ts';
import { numberOfGlobalId, projectGlobalId } from '../gitlab/ids.ts';
import { isAtTip, tipsPerRequest } from '../streams/at-tip.ts';
import type { KnownProject } from '../store/store.ts';
import { settle } from './settle.ts';
import { askedTogether } from './asked-together.ts';
import { walkKey } from './pass-state.ts';
import type { ProjectStates } from './pass-state.ts';

/** The last commits of branches, asked for many projects together. */
export interface Tips {
  /** The last commit of a branch of a project; undefined when it is not known: REST says it then. `at`: GitLab's clock. */
  of(projectId: number, branch: string, at: Date): Promise<string | undefined>;
}

/** What `createTips` needs. */
export interface TipsInput {
  readonly gitlab: Pick<Gitlab, 'graphql' | 'fit'>;
  /** The known projects that are read. */
  readonly projects: readonly KnownProject[];
  /** Projects that are due to be reconciled are left out: an old GitLab passes over commits that change nothing. */
  readonly isDue: (project: KnownProject, at: Date) => boolean;
  readonly states: ReadonlyMap<number, ProjectStates>;
}

/**
 * Asks whether branches have moved. One request asks for a branch of a hundred projects whose branch was read to its tip. It is sent when
 * the first of these projects is read, and replaces a REST request for each of them.
 */
export function createTips({ gitlab, projects, isDue, states }: TipsInput): Tips {
  const byBranch = new Map<string, (projectId: number) => Promise<string | undefined>>();
  const asking = (branch: string, at: Date) => {
    const known = byBranch.get(branch);
    if (known) return known;
    const resting = projects.filter(({ id }) => isAtTip(states.get(id)?.get(walkKey('commits', branch))));
    const ids = resting.filter((project) => !isDue(project, at)).map(({ id }) => id);
    const asks = askedTogether(ids, tipsPerRequest, (some) => readTips(gitlab, some, branch));
    byBranch.set(branch, asks);
    return asks;
  };
  return { of: (projectId, branch, at) => asking(branch, at)(projectId) };
}

/** The tips of a branch by project. Projects for which GitLab gives no tip are left out, and all of them after a failure. */
async function readTips(
  { graphql, fit }: TipsInput['gitlab'],
  ids: readonly number[],
  branch: string,
): Promise<ReadonlyMap<number, string>> {
  const answer = await settle(
    fit({
      kind: 'tips',
      largest: tipsPerRequest,
      patience: 1,
      ask: (size) => {
        const some = ids.slice(0, size);
        // GitLab takes a bare name for that of a tag, where there is one.
        return graphql.ProjectTips({ ids: some.map(projectGlobalId), first: some.length, ref: `refs/heads/${branch}` });
      },
    }),
  );
  if ('end' in answer) return new Map();
  return new Map(
    (answer.value.data.projects?.nodes ?? []).flatMap((node) => {
      const sha = node?.repository?.tree?.lastCommit?.sha;
      return node && sha ? [[numberOfGlobalId(node.id), sha] as const] : [];
    }),
  );
}
