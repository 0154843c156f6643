import { NotFoundError } from '../errors.ts';
import { registryImageToEvent } from '../events/registry-image.ts';
import type { ImageRepository } from '../events/registry-image.ts';
import { presentNodes } from '../events/text.ts';
import { required } from '../gitlab/answer.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { ContainerRepositoriesFragment } from '../gitlab/generated/sdk.ts';
import { numberOfGlobalId } from '../gitlab/ids.ts';
import { connectionPages } from '../gitlab/paging.ts';
import { refusal } from './access.ts';
import { endPage } from './stream.ts';
import type { Page, Stream, StreamContext, Walk } from './stream.ts';

/** How many tags are described before they are stored together. */
const tagsPerPage = 50;

/** Tags of the container registry with the images that they point to, one walk for each repository. */
export const registryImages: Stream = {
  name: 'registry-images',
  label: 'registry images',
  type: 'Image',
  walks,
};

async function* walks(context: StreamContext): AsyncGenerator<Walk> {
  const list = context.batch.firstPage('containerRepositories');
  const refused = refusal(context, { what: 'registry images', enabled: context.batch.node.containerRegistryEnabled, list });
  yield { scope: '', pages: () => ended(refused) };
  if (refused || !list) return;
  for await (const page of connectionPages<ImageRepositoryNode, ContainerRepositoriesFragment>(
    list,
    nextPage(context),
    'ContainerRepositoryPage',
  )) {
    for (const { id, path, location } of presentNodes(page)) {
      const repository = { id: numberOfGlobalId(id), path, location };
      yield { scope: path, pages: () => pages(context, repository) };
    }
  }
}

type ImageRepositoryNode = NonNullable<NonNullable<ContainerRepositoriesFragment['nodes']>[number]>;

async function* ended(refused: ReturnType<typeof refusal>): AsyncGenerator<Page> {
  yield endPage(refused ?? { outcome: 'ok' });
}

const nextPage =
  ({ gitlab, project }: StreamContext) =>
  async (after: string): Promise<ContainerRepositoriesFragment> => {
    const answer = await askProject(gitlab.graphql, 'ContainerRepositoryPage', { projectId: project.id, first: 100, after });
    return required(answer.containerRepositories, 'ContainerRepositoryPage');
  };

async function* pages({ gitlab, project, options }: StreamContext, repository: ImageRepository): AsyncGenerator<Page> {
  const ref = { projectId: project.id, repositoryId: repository.id };
  const names: string[] = [];
  for await (const page of gitlab.rest.tagNamePages(ref)) names.push(...page);
  const wanted = names.toSorted(byVersionDescending).slice(0, options.tagLimit);
  let unreadable = 0;
  for (let start = 0; start < wanted.length; start += tagsPerPage) {
    const tags = await Promise.all(wanted.slice(start, start + tagsPerPage).map((name) => tagUnlessGone(() => gitlab.rest.tag(ref, name))));
    const found = tags.filter((tag) => tag !== null);
    unreadable += tags.length - found.length;
    yield { events: found.map((tag) => registryImageToEvent(tag, repository, project)) };
  }
  const cut = names.length - wanted.length;
  if (unreadable > 0)
    yield endPage({
      outcome: 'partial',
      reason: `GitLab could not describe ${unreadable} of ${wanted.length} tags (broken, or deleted meanwhile)`,
    });
  else if (cut > 0) yield endPage({ outcome: 'partial', reason: `${cut} of ${names.length} tags left out (TAG_LIMIT)`, byLimit: true });
  else yield endPage({ outcome: 'ok' });
}

/** A tag that is deleted after it was listed, or whose image is broken, answers 404. */
async function tagUnlessGone<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/** GitLab's list has no dates: among tags that are versions or numbers the highest are the newest. */
function byVersionDescending(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}
