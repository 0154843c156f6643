import { GraphQLError } from 'graphql';
import type { FakeProject } from '../world/project.ts';
import type { FakeToken, World } from '../world/world.ts';
import { keysetConnection } from './connections.ts';
import type { OrderColumn, PageArgs } from './connections.ts';
import { imageRepositoryDetails } from './image-repository.ts';
import { projectNode } from './nodes.ts';

interface ProjectsArgs extends PageArgs {
  readonly ids?: readonly string[] | null;
  readonly fullPaths?: readonly string[] | null;
  readonly membership?: boolean | null;
  readonly sort?: string | null;
}

const byId = (direction: 'asc' | 'desc'): OrderColumn<FakeProject> => ({ column: 'id', direction, type: 'id', value: ({ id }) => id });
const byActivity: OrderColumn<FakeProject> = {
  column: 'last_activity_at',
  direction: 'desc',
  type: 'time',
  value: (row) => row.lastActivityAt,
};

/** What the resolvers of a request use. */
export interface Asked {
  readonly world: World;
  /** Base URL of the GitLab. */
  readonly baseUrl: string;
  /** Null for a request without a token. */
  readonly token: FakeToken | null;
  /** The score of the request, and the limit of its token. */
  readonly complexity: { readonly score: number; readonly limit: number };
}

/** The root fields of the schema, answered from a world. */
export function rootValue({ world, baseUrl, token, complexity }: Asked): object {
  const visible = () => (token ? world.visibleProjects : []);
  const connection = (rows: readonly FakeProject[], sort: string | null | undefined, page: PageArgs) => {
    const order = sort === 'latest_activity_desc' ? [byActivity, byId('desc')] : [byId(sort === 'id_asc' ? 'asc' : 'desc')];
    return keysetConnection({ rows, order, toNode: (row) => projectNode(row, baseUrl, world) }, page);
  };
  return {
    metadata: token && { version: world.version, enterprise: world.version.endsWith('-ee') },
    currentUser: token && { username: token.username ?? 'ada' },
    queryComplexity: complexity,
    projects: ({ ids, fullPaths, membership, sort, ...page }: ProjectsArgs) => {
      if ((fullPaths?.length ?? 0) > 50) throw new GraphQLError('You cannot provide more than 50 full_paths');
      const paths = fullPaths?.map((path) => path.toLowerCase());
      const wanted = ids?.map(projectNumber);
      const rows = visible().filter(
        (row) =>
          (wanted?.includes(row.id) ?? true) && (paths?.includes(row.fullPath.toLowerCase()) ?? true) && (membership ? row.isMember : true),
      );
      return connection(rows, sort, page);
    },
    project: ({ fullPath }: { readonly fullPath: string }) => {
      const found = visible().find((row) => row.fullPath.toLowerCase() === fullPath.toLowerCase());
      return found ? projectNode(found, baseUrl, world) : null;
    },
    containerRepository: ({ id }: { readonly id: string }) => {
      const readable = visible().filter(({ role, features }) => role === 'reporter' && features.registry);
      for (const owner of readable) {
        const repository = owner.imageRepositories.find((row) => `gid://gitlab/ContainerRepository/${row.id}` === id);
        if (repository) return imageRepositoryDetails(world, owner, repository);
      }
      return null;
    },
    group: ({ fullPath }: { readonly fullPath: string }) => {
      const prefix = `${fullPath.toLowerCase()}/`;
      const all = visible().filter((row) => row.fullPath.toLowerCase().startsWith(prefix));
      if (all.length === 0 && (!world.emptyGroups.has(fullPath) || world.isSessionExpired(fullPath))) return null;
      return {
        projects: ({ includeSubgroups, ...page }: PageArgs & { readonly includeSubgroups?: boolean | null }) => {
          const rows = includeSubgroups ? all : all.filter((row) => !row.fullPath.slice(prefix.length).includes('/'));
          return connection(rows, null, page);
        },
      };
    },
  };
}

function projectNumber(globalId: string): number {
  const match = /^gid:\/\/gitlab\/Project\/(\d+)$/.exec(globalId);
  if (!match) throw new GraphQLError(`"${globalId}" is not a valid GitLab ID.`);
  return Number(match[1]);
}
