import { readProjectAccess } from '../gitlab/project-access.ts';
import { commits } from '../streams/commits.ts';
import { chunks, isSelected, statesByProject, walkKey } from './pass-state.ts';
import type { PassState } from './pass-state.ts';
import { settle } from './settle.ts';

/** So many projects are asked about in one request. */
const projectsAtOnce = 50;

/**
 * Adds a problem for each branch of the settings that no project of the connection has or has had: its name is most likely
 * mistyped. `projectIds` are those that this pass has read. Asks GitLab only when there may be such a branch: a project
 * without any commit has no branch either, and proves nothing.
 */
export async function nameMissingBranches(pass: PassState, projectIds: Iterable<number>): Promise<void> {
  const { config, states, store, tally, gitlab } = pass;
  if (!pass.streams.includes(commits)) return;
  const isMissing = (branch: string, id: number, of = states) => {
    const state = of.get(id)?.get(walkKey(commits.name, branch));
    return state?.outcome === 'disabled' && state.frontier === null;
  };
  const read = [...projectIds].filter((id) => states.has(id));
  const suspects = read.length === 0 ? [] : config.branches.filter((branch) => read.every((id) => isMissing(branch, id)));
  if (suspects.length === 0) return;
  // The other parts of the connection may have the branch.
  const [projects, allStates] = await Promise.all([store.readProjects(), store.readStates()]);
  const ofAll = statesByProject(allStates, config.branches);
  const ids = projects.filter(isSelected).map(({ id }) => id);
  const missing = suspects.filter((branch) => ids.every((id) => isMissing(branch, id, ofAll)));
  if (missing.length === 0 || !(await hasCommits(gitlab, ids))) return;
  for (const branch of missing) {
    const reason = `no project that is read has a branch ${branch}: check the spelling in BRANCHES`;
    tally.addProblem({ project: 'BRANCHES', stream: commits.name, scope: branch, outcome: 'failed', reason, expected: false });
  }
}

/** Whether one of the projects has a commit. False when GitLab cannot be asked: the next pass asks. */
async function hasCommits({ graphql }: PassState['gitlab'], ids: readonly number[]): Promise<boolean> {
  for (const some of chunks(ids, projectsAtOnce)) {
    const seen = await settle(readProjectAccess(graphql, some));
    if ('end' in seen) return false;
    if (seen.value.some(({ repository }) => repository?.exists && !repository.empty)) return true;
  }
  return false;
}
