import type { Gitlab } from '../gitlab/client.ts';
import { numberOfGlobalId, projectGlobalId } from '../gitlab/ids.ts';
import { isAtTip } from '../streams/at-tip.ts';
import type { KnownProject } from '../store/store.ts';
import { settle } from './settle.ts';
import { chunks, walkKey } from './pass-state.ts';
import type { ProjectStates } from './pass-state.ts';

/** The last commits of branches, asked for many projects together. */
export interface Tips {
  /** The last commit of a branch of a project; undefined when it is not known: REST says it then. `at`: GitLab's clock. */
  of(projectId: number, branch: string, at: Date): Promise<string | undefined>;
}

/** What tips are asked with. */
export interface TipsInput {
  readonly gitlab: Pick<Gitlab, 'graphql' | 'fit'>;
  /** The known projects that are read. */
  readonly projects: readonly KnownProject[];
  /** Projects that are due to be reconciled are left out: an old GitLab passes over commits that change nothing. */
  readonly isDue: (project: KnownProject, at: Date) => boolean;
  readonly states: ReadonlyMap<number, ProjectStates>;
}

/** GitLab returns so many projects in one answer at the most. */
const largestChunk = 100;

/**
 * Asks whether branches have moved: of projects whose branch was read to its tip, one request for each hundred and each branch, when the
 * first of them is read. In place of a request for each project.
 */
export function createTips({ gitlab, projects, isDue, states }: TipsInput): Tips {
  const byBranch = new Map<string, Map<number, () => Promise<ReadonlyMap<number, string>>>>();
  const asking = (branch: string, at: Date) => {
    const known = byBranch.get(branch);
    if (known) return known;
    const resting = projects.filter(({ id }) => isAtTip(states.get(id)?.get(walkKey('commits', branch))));
    const ids = resting.filter((project) => !isDue(project, at)).map(({ id }) => id);
    const asks = new Map(
      chunks(
        ids.toSorted((a, b) => a - b),
        largestChunk,
      ).flatMap((some) => {
        let answer: Promise<ReadonlyMap<number, string>> | undefined;
        const ask = () => (answer ??= readTips(gitlab, some, branch));
        return some.map((id) => [id, ask] as const);
      }),
    );
    byBranch.set(branch, asks);
    return asks;
  };
  return { of: async (projectId, branch, at) => (await asking(branch, at).get(projectId)?.())?.get(projectId) };
}

/** The tips of a branch, as far as GitLab says them: a failure says none. */
async function readTips(
  { graphql, fit }: TipsInput['gitlab'],
  ids: readonly number[],
  branch: string,
): Promise<ReadonlyMap<number, string>> {
  const answer = await settle(
    fit({
      kind: 'tips',
      largest: largestChunk,
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
