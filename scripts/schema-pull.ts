import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Source, concatAST, parse } from 'graphql';
import { messageOf } from '../src/errors.ts';
import { introspect } from './schema-introspect.ts';
import type { AskGitlab } from './schema-introspect.ts';
import { reportOn } from './schema-report.ts';
import type { QueryFile, SchemaReport } from './schema-report.ts';
import { sliceSchema } from './schema-slice.ts';

/** What the command works with. */
export interface PullIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** The project's folder, with queries/ and schema/ in it. */
  readonly folder: string;
  readonly fetch: typeof globalThis.fetch;
}

/** 0 nothing breaks, 1 something does, 2 wrong usage, 3 GitLab cannot be reached, or refuses. */
export type PullExitCode = 0 | 1 | 2 | 3;

const usage = 'usage: npm run schema:pull -- --url https://gitlab.example.com [--token …] [--check]';
const schemaFile = 'schema/gitlab.graphql';
const timeoutMs = 60_000;

class UsageError extends Error {}
class GitlabError extends Error {}

/**
 * Brings schema/gitlab.graphql up to date with a live GitLab, as far as queries/ uses its schema, and says what that means.
 * `--check` only says it. The token, if any, is one with the scope read_api; most GitLabs show their schema without.
 */
export async function pullSchema(args: readonly string[], io: PullIo): Promise<PullExitCode> {
  try {
    const { url, token, check } = optionsOf(args, io.env);
    const files = globSync('queries/*.graphql', { cwd: io.folder })
      .toSorted()
      .map((file) => readQuery(io.folder, file));
    const documents = concatAST(files.map(({ document }) => document));
    const target = path.join(io.folder, schemaFile);
    const before = readFileSync(target, 'utf8');
    const pulled = await introspect(asker({ url, token, fetch: io.fetch }), documents);
    const after = sliceSchema(pulled.schema, documents);
    const report = await reportOn({ before, after }, pulled, files);
    print(report, io.out);
    if (after === before) io.out(`${schemaFile} is that of ${url}`);
    else if (check) io.out(`${schemaFile} is not that of ${url}; it was not written (--check)`);
    else {
      writeFileSync(target, after);
      io.out(`${schemaFile} is written anew; next: npm run codegen, then npm run check:types`);
    }
    return report.breaking.length > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof GitlabError)) throw error;
    io.err(`ERROR: ${error.message}`);
    return error instanceof UsageError ? 2 : 3;
  }
}

interface PullOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly check: boolean;
}

function optionsOf(args: readonly string[], env: PullIo['env']): PullOptions {
  const { url, token = env.GITLAB_TOKEN, check = false } = valuesOf(args);
  if (url === undefined || !URL.canParse(url)) throw new UsageError(`--url is missing or no URL; ${usage}`);
  const { protocol, hostname, username, password, search, hash } = new URL(url);
  if (!['http:', 'https:'].includes(protocol) || username || password || search || hash) {
    throw new UsageError('--url must be an http:// or https:// URL without user name and query');
  }
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (token && protocol === 'http:' && !isLocal) throw new UsageError('a token is not sent over http: use https, or no token');
  return { url: url.replace(/\/+$/, ''), token: token === '' ? undefined : token, check };
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { url: { type: 'string' }, token: { type: 'string' }, check: { type: 'boolean' } } })
      .values;
  } catch (error) {
    throw new UsageError(`${messageOf(error)}; ${usage}`, { cause: error });
  }
}

function readQuery(folder: string, file: string): QueryFile {
  return { path: file, document: parse(new Source(readFileSync(path.join(folder, file), 'utf8'), file)) };
}

/** Each request ends within `timeoutMs`, redirects are not followed, and every failure is a sentence without the token. */
function asker({ url, token, fetch }: Pick<PullOptions, 'url' | 'token'> & Pick<PullIo, 'fetch'>): AskGitlab {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return async (query, variables) => {
    const body = JSON.stringify({ query, variables });
    const request = { method: 'POST', headers, body, redirect: 'manual' as const, signal: AbortSignal.timeout(timeoutMs) };
    const { status, text } = await send(fetch, `${url}/api/graphql`, request).catch((cause: unknown) => {
      throw new GitlabError(`cannot reach ${url} (${reasonOf(cause)})`, { cause });
    });
    if (status === 401) throw new GitlabError(`${url} refused the token (401): it may be wrong or expired, or lack the scope read_api`);
    if (status !== 200) throw new GitlabError(`${url} answered ${status}: is it the address of a GitLab, and may it be read?`);
    const { data, errors } = answerIn(text, url);
    if (data) return data;
    throw new GitlabError(`${url} does not show its schema: ${errors?.[0]?.message ?? 'no reason given'}`);
  };
}

async function send(
  fetch: PullIo['fetch'],
  endpoint: string,
  request: RequestInit,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(endpoint, request);
  return { status: response.status, text: await response.text() };
}

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: ReadonlyArray<{ readonly message?: string }>;
}

function answerIn(text: string, url: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch (cause) {
    throw new GitlabError(`${url} answered with something that is not JSON: is it the address of a GitLab?`, { cause });
  }
}

const reasonOf = (error: unknown): string => messageOf(error instanceof Error && error.cause ? error.cause : error);

function print({ breaking, deprecated, added, changed }: SchemaReport, out: PullIo['out']): void {
  for (const [title, lines] of Object.entries({ breaking, deprecated, added, changed })) {
    if (lines.length === 0) continue;
    out(`${title}:`);
    for (const line of lines) out(`  ${line}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { log, error } = console;
  const io = { env: process.env, out: log, err: error, folder: '.', fetch: globalThis.fetch };
  process.exitCode = await pullSchema(process.argv.slice(2), io);
}
