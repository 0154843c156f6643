import type { TimelineChange } from '../../store/events/read-timeline.ts';

/** One line of the list: a change, or commits that arrived together. */
export interface Line {
  /** What the line says. */
  readonly text: string;
  /** In order; more than one only for commits that arrived together. */
  readonly changes: readonly [TimelineChange, ...TimelineChange[]];
}

/** The lines of a list. Commits of one author that arrived on a branch at the same moment become one line, such as `3 commits on main (by linus)`. */
export function foldCommits(changes: readonly TimelineChange[]): Line[] {
  const groups = new Map<string, [TimelineChange, ...TimelineChange[]]>();
  for (const [index, change] of changes.entries()) {
    const key = groupOf(change) ?? String(index);
    const group = groups.get(key);
    if (group) group.push(change);
    else groups.set(key, [change]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    return {
      changes: group,
      text: group.length === 1 ? first.headline : `${group.length} commits on ${branchOf(first)} (by ${first.author})`,
    };
  });
}

function groupOf(change: TimelineChange): string | null {
  if (change.stream !== 'commits' || change.changes !== null) return null;
  return JSON.stringify([change.connectionId, change.project, change.happenedAt, change.author, branchOf(change)]);
}

/** The branch in the headline of a commit. Names of branches hold no colon. */
const branchOf = ({ headline }: TimelineChange) => /^\S+ on ([^:]+):/.exec(headline)?.[1] ?? 'a branch';
