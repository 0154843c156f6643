import type { RestCommit } from '../gitlab/rest.ts';
import { largestPage } from './backfill.ts';

/** A branch that is read back to a moment is read until so many commits in a row are older. */
const olderInARow = largestPage;

/**
 * The commits from a moment on, in a list from the tip backwards. GitLab's own `since` ends the list at the first older commit,
 * so it leaves out newer commits behind an old-dated one: a rebase that keeps dates, an import, a machine with a wrong clock.
 */
export function sinceRange(since: Date | null) {
  let older = 0;
  const isWithin = ({ committed_date: committedDate }: RestCommit) => {
    const is = since === null || new Date(committedDate) >= since;
    older = is ? 0 : older + 1;
    return is;
  };
  return { take: (rows: readonly RestCommit[]) => rows.filter(isWithin), isLeft: () => older >= olderInARow };
}
