import * as z from 'zod';
import { GitlabRequestError, InvalidResponseError, NotFoundError, ResponseTooLargeError } from '../errors.ts';
import { isTooMuch } from './limits/adaptive-size.ts';
import { mayBeOfARow } from './read-around.ts';
import { webhookSchema } from './webhook.ts';
import type { RestWebhook } from './webhook.ts';

/** A commit as `GET /projects/:id/repository/commits?with_stats=true` lists it. */
export type RestCommit = z.output<typeof commitSchema>;

/** A tag as `GET …/registry/repositories/:id/tags/:name` describes it. An image with several platforms has no date and no size. */
export type RestTagDetail = z.output<typeof tagDetailSchema>;

/** A token as `GET /personal_access_tokens/self` describes it: a personal, project or group access token. */
export type RestToken = z.output<typeof tokenSchema>;

/** An OAuth token as `GET /oauth/token/info` describes it. `expires_in` is in seconds; null = the token does not expire. */
export type RestOauthToken = z.output<typeof oauthTokenSchema>;

/** The REST endpoints that the connector uses. Rows are in GitLab's order. */
export interface GitlabRest {
  /** Commits that a ref reaches, or of a range `a..b`, newest first, with their stats. Where GitLab fails on the stats of a commit, that commit has none. */
  commitPages(query: CommitQuery): AsyncGenerator<OffsetPage<RestCommit>>;
  /** A commit with its stats. Throws NotFoundError when the repository does not have it. */
  commit(projectId: number, sha: string): Promise<RestCommit>;
  /** Whether the repository has this commit, on a branch or not. */
  hasCommit(projectId: number, sha: string): Promise<boolean>;
  /** Names of the tags of a container repository, sorted by name. */
  tagNamePages(repository: RepositoryRef): AsyncGenerator<readonly string[]>;
  /** Whether the registry has a metadata database, as far as the lists of tags have shown so far. */
  hasRegistryMetadata(): boolean;
  /** The image of a tag now. Throws NotFoundError when the tag is gone or broken. */
  tag(repository: RepositoryRef, name: string): Promise<RestTagDetail>;
  /** The token of this client. Works with every scope; a fine-grained token needs a permission. GitLab answers 400 to an OAuth token. */
  token(): Promise<RestToken>;
  /** The OAuth token of this client. GitLab answers 400 to any other kind of token. */
  oauthToken(): Promise<RestOauthToken>;
  /** The first 100 webhooks of a project (by its id) or a group (by its path), for maintainers and owners. Throws ForbiddenError or NotFoundError for others. */
  webhooks(of: { readonly projectId: number } | { readonly group: string }): Promise<readonly RestWebhook[]>;
  /** GitLab's version, such as `18.8.2-ee`. */
  version(): Promise<string>;
}

/** Which commits to list. */
export interface CommitQuery {
  readonly projectId: number;
  readonly ref: string;
  /** 1 to 100. */
  readonly pageSize: number;
  /** The first page to read, counted from 1. Default: 1. */
  readonly page?: number;
  /** Whether to ask for added and deleted lines, which GitLab has to compute. Default: true. */
  readonly withStats?: boolean;
}

/** A page of an offset list. */
export interface OffsetPlace {
  /** Counted from 1. */
  readonly page: number;
  /** 1 to 100. */
  readonly pageSize: number;
}

/** Rows, and the place of the next page. */
export interface OffsetPage<T> {
  readonly rows: readonly T[];
  readonly next: OffsetPlace;
}

/** A container repository of a project. */
export interface RepositoryRef {
  readonly projectId: number;
  readonly repositoryId: number;
}

/** Sends one request; `operation` names it in messages. A path that begins with a slash is outside of `/api/v4`. */
export type RestRequest = (request: {
  readonly path: string;
  readonly operation: string;
  /** The caller asks for parts of it after a failure. */
  readonly isResizable?: boolean;
}) => Promise<Response>;

const stats = z.object({ additions: z.number(), deletions: z.number(), total: z.number() });
const optional = <T extends z.ZodType>(schema: T) => schema.nullish();
const commitSchema = z.object({
  id: z.string(),
  title: z.string(),
  message: optional(z.string()),
  author_name: optional(z.string()),
  authored_date: optional(z.string()),
  committed_date: z.string(),
  parent_ids: optional(z.array(z.string())),
  stats: optional(stats),
});
const tagSchema = z.object({ name: z.string() });
const tagDetailSchema = tagSchema.extend({
  location: optional(z.string()),
  digest: optional(z.string()),
  revision: optional(z.string()),
  created_at: optional(z.string()),
  total_size: optional(z.number()),
});

const tokenSchema = z.object({
  name: optional(z.string()),
  scopes: z.array(z.string()),
  /** A day, such as `2026-12-31`: the token expires at the start of this day in UTC. Null = never. */
  expires_at: optional(z.iso.date()),
});
const oauthTokenSchema = z.object({ scope: z.array(z.string()), expires_in: optional(z.number()) });
const versionSchema = z.object({ version: z.string() });

const pageSizeLimit = 100;

/** Requests a path, and checks the shape of the answer. */
type Get = <T>(
  path: string,
  schema: z.ZodType<T>,
  options?: { readonly isResizable: boolean },
) => Promise<{ readonly body: T; readonly headers: Headers }>;

/** Creates the endpoints from a function that sends a request. */
export function createRest(request: RestRequest): GitlabRest {
  const get: Get = async (path, schema, options) => {
    const operation = `GET ${path.split('?')[0]}`;
    const response = await request({ path, operation, ...options });
    return { body: await parseBody(response, schema, operation), headers: response.headers };
  };

  const tagsPath = ({ projectId, repositoryId }: RepositoryRef) => `projects/${projectId}/registry/repositories/${repositoryId}/tags`;
  /** Whether the registry accepts keyset pages. Registries without a metadata database refuse them. False after the first refusal. */
  let hasKeyset = true;

  return {
    commitPages: ({ projectId, ref, pageSize, page = 1, withStats = true }) => {
      const path = (stats: boolean) =>
        `projects/${projectId}/repository/commits?${new URLSearchParams({ ref_name: ref, with_stats: String(stats) }).toString()}`;
      const around = withStats ? withoutSomeStats(get, path(true), path(false)) : undefined;
      return offsetPages(get, path(withStats), { item: commitSchema, around }, { page, pageSize });
    },
    async commit(projectId, sha) {
      return (await get(`projects/${projectId}/repository/commits/${encodeURIComponent(sha)}?stats=true`, commitSchema)).body;
    },
    async hasCommit(projectId, sha) {
      try {
        await get(`projects/${projectId}/repository/commits/${encodeURIComponent(sha)}?stats=false`, z.object({ id: z.string() }));
        return true;
      } catch (error) {
        if (error instanceof NotFoundError) return false;
        throw error;
      }
    },
    async *tagNamePages(repository) {
      const path = tagsPath(repository);
      if (hasKeyset) {
        try {
          for await (const page of keysetPages(get, path, tagSchema)) yield page.map(({ name }) => name);
          return;
        } catch (error) {
          if (!(error instanceof GitlabRequestError) || error.status !== 405) throw error;
          hasKeyset = false;
        }
      }
      for await (const { rows } of offsetPages(get, path, { item: tagSchema }, { page: 1, pageSize: pageSizeLimit }))
        yield rows.map(({ name }) => name);
    },
    hasRegistryMetadata: () => hasKeyset,
    async tag(repository, name) {
      return (await get(`${tagsPath(repository)}/${encodeURIComponent(name)}`, tagDetailSchema)).body;
    },
    ...aboutItself(async (path, schema) => (await get(path, schema)).body),
  };
}

type ReadBody = <T>(path: string, schema: z.ZodType<T>) => Promise<T>;

const aboutItself = (read: ReadBody): Pick<GitlabRest, 'token' | 'oauthToken' | 'version' | 'webhooks'> => ({
  webhooks: (of) =>
    read(
      `${'group' in of ? `groups/${encodeURIComponent(of.group)}` : `projects/${of.projectId}`}/hooks?per_page=${pageSizeLimit}`,
      z.array(webhookSchema),
    ),
  token: () => read('personal_access_tokens/self', tokenSchema),
  oauthToken: () => read('/oauth/token/info', oauthTokenSchema),
  version: async () => (await read('version', versionSchema)).version,
});

/** A page of which some rows lack something, after the page as a whole has failed. Null when that fails as well. */
type Around<T> = (place: OffsetPlace) => Promise<{ readonly body: T[]; readonly headers: Headers } | null>;

const urlOf = (path: string, { page, pageSize }: OffsetPlace) =>
  `${path}${path.includes('?') ? '&' : '?'}per_page=${pageSize}&page=${page}`;

/** How the rows of a list are read. */
interface RowReader<T> {
  readonly item: z.ZodType<T>;
  readonly around?: Around<T> | undefined;
}

async function* offsetPages<T>(get: Get, path: string, { item, around }: RowReader<T>, from: OffsetPlace): AsyncGenerator<OffsetPage<T>> {
  for (let place: OffsetPlace | null = from; place;) {
    const { page, pageSize }: OffsetPlace = place;
    const answer: Awaited<ReturnType<Around<T>>> = await get(urlOf(path, place), z.array(item), {
      isResizable: around !== undefined,
    }).catch(async (error: unknown) => {
      const mayHelp = mayBeOfARow(error) && (pageSize === 1 || !(error instanceof ResponseTooLargeError));
      const found = around && mayHelp ? await around({ page, pageSize }) : null;
      return found ?? unlessSmaller(pageSize)(error);
    });
    if (!answer) {
      const smaller = smallerSize(pageSize);
      place = { page: ((page - 1) * pageSize) / smaller + 1, pageSize: smaller };
      continue;
    }
    const count = answer.body.length;
    // When a proxy drops the header, a full page counts as not the last page.
    const hasNext: string = answer.headers.get('x-next-page') ?? (count === pageSize ? 'yes' : '');
    // A GitLab that caps pages at a smaller size counts the places of later pages by that size.
    const isCapped = page === 1 && hasNext !== '' && count > 0 && count < pageSize;
    const next: OffsetPlace = { page: page + 1, pageSize: isCapped ? count : pageSize };
    yield { rows: answer.body, next };
    place = hasNext === '' ? null : next;
  }
}

async function* keysetPages<T>(get: Get, path: string, item: z.ZodType<T>): AsyncGenerator<readonly T[]> {
  for (let query: string | undefined = `pagination=keyset&sort=asc&per_page=${pageSizeLimit}`; query !== undefined;) {
    const { body, headers } = await get(`${path}?${query}`, z.array(item));
    yield body;
    query = nextQuery(headers.get('link'));
  }
}

/** Reads a page without stats, and the stats in parts of it: one commit whose stats fail leaves those of all others. */
function withoutSomeStats(get: Get, withStats: string, without: string): Around<RestCommit> {
  return async (place) => {
    const plain = await get(urlOf(without, place), z.array(commitSchema)).catch(() => null);
    if (!plain) return null;
    const start = (place.page - 1) * place.pageSize;
    const stats = new Map<string, RestCommit>();
    const readParts = async ({ page, pageSize }: OffsetPlace): Promise<void> => {
      if (pageSize === 1) return;
      const smaller = smallerSize(pageSize);
      const first = ((page - 1) * pageSize) / smaller + 1;
      for (let part = first; part < first + pageSize / smaller; part++) {
        const some = { page: part, pageSize: smaller };
        // A short page has no more rows.
        if ((part - 1) * smaller - start >= plain.body.length) return;
        try {
          const { body } = await get(urlOf(withStats, some), z.array(commitSchema), { isResizable: true });
          for (const commit of body) stats.set(commit.id, commit);
        } catch (error) {
          if (!mayBeOfARow(error)) throw error;
          await readParts(some);
        }
      }
    };
    await readParts(place);
    return { body: plain.body.map((commit) => stats.get(commit.id) ?? commit), headers: plain.headers };
  };
}

/** Returns null for a failure that a smaller page may avoid. Throws any other failure. */
const unlessSmaller = (pageSize: number) => (error: unknown) => {
  if (pageSize === 1 || !isTooMuch(error)) throw error;
  return null;
};

/** The next smaller size that divides this size, so that a smaller page begins where a page of this size began. */
function smallerSize(size: number): number {
  let divisor = 2;
  while (size % divisor !== 0) divisor++;
  return size / divisor;
}

async function parseBody<T>(response: Response, schema: z.ZodType<T>, operation: string): Promise<T> {
  let body: unknown;
  try {
    body = await response.json();
  } catch (cause) {
    throw new InvalidResponseError(`GitLab's answer to ${operation} is cut off or not JSON`, { operation, status: response.status, cause });
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidResponseError(`GitLab's answer to ${operation} has an unknown shape (${issue?.path.join('.')}: ${issue?.message})`, {
    operation,
    status: response.status,
    cause: result.error,
  });
}

/** The query of `<…?query>; rel="next"` in a Link header; undefined on the last page. */
function nextQuery(link: string | null): string | undefined {
  const next = link?.split(',').find((part) => /rel="?next"?/.test(part));
  return next && /<[^?>]*\?([^>]*)>/.exec(next)?.[1];
}
