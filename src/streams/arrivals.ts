import type { RestCommit } from '../gitlab/rest.ts';
import type { Arrivals } from '../walk-state.ts';

/** How the commits of a page came to the branch. A page without the tip says nothing: where its commits belong is on an earlier page. */
export function arrivalsOf(
  commits: ReadonlyArray<Pick<RestCommit, 'id' | 'parent_ids'>>,
  { name, tip }: { readonly name: string; readonly tip: string },
): Arrivals {
  const parents = new Map(commits.map(({ id, parent_ids: ids }) => [id, ids ?? []]));
  const mainline: string[] = [];
  for (let sha: string | undefined = tip; sha !== undefined && parents.has(sha); sha = parents.get(sha)?.[0]) mainline.push(sha);
  const cameWith = new Map(mainline.map((sha, position) => [sha, position]));
  // The oldest first: a commit came with the first merge that has it.
  for (const [position, sha] of [...mainline.entries()].toReversed()) {
    const waiting = [...(parents.get(sha) ?? [])];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (cameWith.has(next) || !parents.has(next)) continue;
      cameWith.set(next, position);
      waiting.push(...(parents.get(next) ?? []));
    }
  }
  return { branch: name, mainline, cameWith };
}
