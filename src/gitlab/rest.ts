import { z } from 'zod';
import { GitlabRequestError, InvalidResponseError, NotFoundError } from '../errors.ts';
import { isTooMuch } from './limits/adaptive-size.ts';

/** A commit as `GET /projects/:id/repository/commits?with_stats=true` lists it. */
export type RestCommit = z.output<typeof commitSchema>;

/** A tag as `GET …/registry/repositories/:id/tags/:name` describes it. Images with several platforms have no date and no size. */
export type RestTagDetail = z.output<typeof tagDetailSchema>;

/** A token as `GET /personal_access_tokens/self` describes it: a personal one, or that of a project's or a group's bot. */
export type RestToken = z.output<typeof tokenSchema>;

/** An OAuth token as `GET /oauth/token/info` describes it. `expires_in` is in seconds, null = never. */
export type RestOauthToken = z.output<typeof oauthTokenSchema>;

/** The REST endpoints in use. Pages come in GitLab's order. */
export interface GitlabRest {
  /** Commits reachable from a ref, or those of a range `a..b`, newest first, with their stats. Pages that are too much get smaller. */
  commitPages(query: CommitQuery): AsyncGenerator<OffsetPage<RestCommit>>;
  /** Whether the repository has this commit, on a branch or not. */
  hasCommit(projectId: number, sha: string): Promise<boolean>;
  /** Names of a container repository's tags, by name. */
  tagNamePages(repository: RepositoryRef): AsyncGenerator<readonly string[]>;
  /** What one tag points to now. Throws NotFoundError when it is gone, or broken. */
  tag(repository: RepositoryRef, name: string): Promise<RestTagDetail>;
  /** The token in use. Every scope will do, but a fine-grained token needs leave; an OAuth token is refused with 400. */
  token(): Promise<RestToken>;
  /** The OAuth token in use. Any other kind is refused with 400. */
  oauthToken(): Promise<RestOauthToken>;
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
  /** Only those that were committed at this moment or later. */
  readonly since?: Date;
  /** Lines added and deleted, which cost GitLab time. Default: true. */
  readonly withStats?: boolean;
}

/** A page of a list that is counted from its beginning. */
export interface OffsetPlace {
  /** Counted from 1. */
  readonly page: number;
  /** 1 to 100. */
  readonly pageSize: number;
}

/** Rows, and where those after them begin. */
export interface OffsetPage<T> {
  readonly rows: readonly T[];
  readonly next: OffsetPlace;
}

/** A container repository of a project. */
export interface RepositoryRef {
  readonly projectId: number;
  readonly repositoryId: number;
}

/** Sends one request; `operation` names it in messages. A path that begins with a slash is one of GitLab's pages, not of its API. */
export type RestRequest = (request: { readonly path: string; readonly operation: string }) => Promise<Response>;

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
  /** A day: the token ends when it begins, in UTC. Null = never. */
  expires_at: optional(z.iso.date()),
});
const oauthTokenSchema = z.object({ scope: z.array(z.string()), expires_in: optional(z.number()) });
const versionSchema = z.object({ version: z.string() });

const pageSizeLimit = 100;

/** Asks for a path, and checks the shape of what comes. */
type Get = <T>(path: string, schema: z.ZodType<T>) => Promise<{ readonly body: T; readonly headers: Headers }>;

/** The endpoints over a function that sends a request. */
export function createRest(request: RestRequest): GitlabRest {
  const get: Get = async (path, schema) => {
    const operation = `GET ${path.split('?')[0]}`;
    const response = await request({ path, operation });
    return { body: await parseBody(response, schema, operation), headers: response.headers };
  };

  const tagsPath = ({ projectId, repositoryId }: RepositoryRef) => `projects/${projectId}/registry/repositories/${repositoryId}/tags`;
  /** Registries without a metadata database refuse keyset pages; asked once. */
  let hasKeyset = true;

  return {
    commitPages: ({ projectId, ref, pageSize, page = 1, since, withStats = true }) => {
      const query = new URLSearchParams({ ref_name: ref, with_stats: String(withStats), ...(since ? { since: since.toISOString() } : {}) });
      return offsetPages(get, `projects/${projectId}/repository/commits?${query.toString()}`, commitSchema, { page, pageSize });
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
      for await (const { rows } of offsetPages(get, path, tagSchema, { page: 1, pageSize: pageSizeLimit }))
        yield rows.map(({ name }) => name);
    },
    async tag(repository, name) {
      return (await get(`${tagsPath(repository)}/${encodeURIComponent(name)}`, tagDetailSchema)).body;
    },
    ...aboutItself(async (path, schema) => (await get(path, schema)).body),
  };
}

type ReadBody = <T>(path: string, schema: z.ZodType<T>) => Promise<T>;

const aboutItself = (read: ReadBody): Pick<GitlabRest, 'token' | 'oauthToken' | 'version'> => ({
  token: () => read('personal_access_tokens/self', tokenSchema),
  oauthToken: () => read('/oauth/token/info', oauthTokenSchema),
  version: async () => (await read('version', versionSchema)).version,
});

async function* offsetPages<T>(get: Get, path: string, item: z.ZodType<T>, from: OffsetPlace): AsyncGenerator<OffsetPage<T>> {
  for (let place: OffsetPlace | null = from; place;) {
    const { page, pageSize }: OffsetPlace = place;
    const url = `${path}${path.includes('?') ? '&' : '?'}per_page=${pageSize}&page=${page}`;
    const answer = await get(url, z.array(item)).catch(unlessSmaller(pageSize));
    if (!answer) {
      const smaller = smallerSize(pageSize);
      place = { page: ((page - 1) * pageSize) / smaller + 1, pageSize: smaller };
      continue;
    }
    const next: OffsetPlace = { page: page + 1, pageSize };
    yield { rows: answer.body, next };
    // Where a proxy drops the header, a full page is not the last.
    const hasNext = answer.headers.get('x-next-page') ?? (answer.body.length === pageSize ? 'yes' : '');
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

/** Null for failures of pages that may be smaller; others are thrown on. */
const unlessSmaller = (pageSize: number) => (error: unknown) => {
  if (pageSize === 1 || !isTooMuch(error)) throw error;
  return null;
};

/** The next size that divides this one, so that a page of it begins where one of this began. */
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
