import { NotFoundError } from '../errors.ts';
import { commitToEvent } from '../events/commit.ts';
import { endPage } from './stream.ts';
import type { Page, Stream, StreamContext } from './stream.ts';

/** GitLab's largest page; stats cost its Git server work for each commit. */
const largestPage = 100;

/** Commits with stats, of each configured branch; none are read when no branches are configured. */
export const commits: Stream = {
  name: 'commits',
  label: 'commits',
  type: 'Commit',
  walks: (context) => context.options.branches.map((branch) => ({ scope: branch, pages: () => pages(context, branch) })),
};

async function* pages({ gitlab, project, options }: StreamContext, branch: string): AsyncGenerator<Page> {
  let left = options.limit;
  let frontier: string | undefined;
  const pageSize = Math.min(left, largestPage);
  try {
    for await (const page of gitlab.rest.commitPages({ projectId: project.id, ref: branch, pageSize })) {
      const commits = page.slice(0, left);
      left -= commits.length;
      frontier ??= commits[0]?.id;
      yield { events: commits.map((commit) => commitToEvent(commit, branch, project)) };
      if (left <= 0) break;
    }
  } catch (error) {
    // An unknown branch and an empty repository look the same; versions differ in which one is a 404.
    if (!(error instanceof NotFoundError)) throw error;
  }
  if (frontier) yield endPage({ outcome: 'ok' }, { frontier });
  else yield endPage({ outcome: 'disabled', reason: `there is no branch ${branch}, or the repository is empty or switched off` });
}
