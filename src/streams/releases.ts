import { releaseToEvent } from '../events/release.ts';
import { required } from '../gitlab/answer.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { ReleaseFragment } from '../gitlab/generated/sdk.ts';
import { allNodes } from '../gitlab/paging.ts';
import { newestNodes } from './newest.ts';
import { endPage } from './stream.ts';
import type { Page, Stream, StreamContext } from './stream.ts';

/** Releases, the last created first. */
export const releases: Stream = {
  name: 'releases',
  label: 'releases',
  type: 'Release',
  walks: (context) => [{ scope: '', pages: () => pages(context) }],
};

async function* pages(context: StreamContext): AsyncGenerator<Page> {
  const { options, project } = context;
  const first = context.batch.firstPage('releases');
  // GitLab answers a project without releases with null.
  if (!first) return yield endPage({ outcome: 'ok' });
  let withoutTag = 0;
  for await (const nodes of newestNodes({ first, next: nextPage(context), limit: options.limit, operation: 'ReleasePage' })) {
    const complete = await Promise.all(nodes.map((release) => withAllAssets(release, context)));
    const events = complete.map((release) => releaseToEvent(release, project)).filter((event) => event !== null);
    withoutTag += nodes.length - events.length;
    yield { events };
  }
  if (withoutTag === 0) yield endPage({ outcome: 'ok' });
  else
    yield endPage({
      outcome: 'partial',
      reason: `this token may not see the tags of ${withoutTag} releases: it needs at least the role Reporter`,
    });
}

const nextPage =
  ({ gitlab, project }: StreamContext) =>
  async (page: { readonly first: number; readonly after: string }) => {
    const answer = await askProject(gitlab.graphql, 'ReleasePage', { projectId: project.id, ...page });
    // The last release may have been deleted since the page before.
    return answer.releases ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  };

/** Reads on where the asset links do not fit on their page. */
async function withAllAssets(release: ReleaseFragment, { gitlab, project }: StreamContext): Promise<ReleaseFragment> {
  const links = release.assets?.links;
  const { tagName } = release;
  if (!links?.pageInfo.hasNextPage || !tagName) return release;
  const next = async (after: string) => {
    const answer = await askProject(gitlab.graphql, 'ReleaseAssets', { projectId: project.id, tagName, after });
    return required(answer.release?.assets?.links, 'ReleaseAssets');
  };
  return { ...release, assets: { links: { ...links, nodes: await allNodes(links, next, 'ReleaseAssets') } } };
}
