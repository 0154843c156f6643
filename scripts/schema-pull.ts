import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Source, concatAST, parse } from 'graphql';
import { parseConfig, settings, settingsFromEnv } from '../src/config/parse-config.ts';
import type { Config } from '../src/config/parse-config.ts';
import { withGitlab } from '../src/operations/connect.ts';
import { ConfigurationError, GitlabRequestError, messageOf } from '../src/errors.ts';
import { introspect } from './schema-introspect.ts';
import { reportOn } from './schema-report.ts';
import type { QueryFile, SchemaReport } from './schema-report.ts';
import { sliceSchema } from './schema-slice.ts';

/** Environment, output and folder of the command. */
export interface PullIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** The project's folder, with queries/ and schema/ in it. */
  readonly folder: string;
  /** Replaces the fetch that is built from the settings. */
  readonly fetch?: typeof globalThis.fetch;
}

/** 0: no query breaks. 1: a query breaks. 2: wrong usage. 3: GitLab cannot be reached or refuses access. */
export type PullExitCode = 0 | 1 | 2 | 3;

const usage = 'usage: npm run schema:pull -- --url https://gitlab.example.com [--token …] [--check]';
const schemaFile = 'schema/gitlab.graphql';
const flags = { url: { type: 'string' }, token: { type: 'string' }, check: { type: 'boolean' }, help: { type: 'boolean' } } as const;

/**
 * Updates schema/gitlab.graphql from a live GitLab, as far as queries/ uses its schema, and reports what changed. With `--check`
 * only reports. Settings come from the environment as for a sync. Most GitLabs show their schema without a token; where a token
 * is needed, its scope is read_api.
 */
export async function pullSchema(args: readonly string[], io: PullIo): Promise<PullExitCode> {
  try {
    const values = valuesOf(args);
    if (values.help) {
      io.out(usage);
      return 0;
    }
    return await pull(configOf(values, io.env), values.check ?? false, io);
  } catch (error) {
    if (!(error instanceof ConfigurationError) && !(error instanceof GitlabRequestError)) throw error;
    io.err(`ERROR: ${error.message}`);
    return error instanceof ConfigurationError ? 2 : 3;
  }
}

function configOf({ url, token }: ReturnType<typeof valuesOf>, env: PullIo['env']): Config {
  if (url === undefined) throw new ConfigurationError([`--url is missing; ${usage}`]);
  const fromEnv = settingsFromEnv(env);
  const given = token === undefined ? { ...fromEnv, url } : { ...fromEnv, url, token, tokenFile: undefined };
  const nameOf = (name: string) => (name === 'url' ? '--url' : (settings.find((setting) => setting.name === name)?.env ?? name));
  return parseConfig(given, nameOf);
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags }).values;
  } catch (error) {
    throw new ConfigurationError([`${messageOf(error)}; ${usage}`]);
  }
}

async function pull(config: Config, check: boolean, { out, folder, fetch }: PullIo): Promise<PullExitCode> {
  const files = globSync('queries/*.graphql', { cwd: folder })
    .toSorted()
    .map((file) => readQuery(folder, file));
  const documents = concatAST(files.map(({ document }) => document));
  const target = path.join(folder, schemaFile);
  const before = readFileSync(target, 'utf8');
  const pulled = await withGitlab(config, fetch ? { fetch } : {}, ({ ask }) => introspect(ask, documents));
  const after = sliceSchema(pulled.schema, documents);
  const report = await reportOn({ before, after }, pulled, files);
  print(report, out);
  if (after === before) out(`${schemaFile} is up to date with ${config.url}`);
  else if (check) out(`${schemaFile} is not up to date with ${config.url}, and was not written because of --check`);
  else {
    writeFileSync(target, after);
    out(`${schemaFile} was written. Next: npm run codegen, then npm run check:types`);
  }
  return report.breaking.length > 0 ? 1 : 0;
}

function readQuery(folder: string, file: string): QueryFile {
  return { path: file, document: parse(new Source(readFileSync(path.join(folder, file), 'utf8'), file)) };
}

function print({ breaking, deprecated, added, changed }: SchemaReport, out: PullIo['out']): void {
  for (const [title, lines] of Object.entries({ breaking, deprecated, added, changed })) {
    if (lines.length === 0) continue;
    out(`${title}:`);
    for (const line of lines) out(`  ${line}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { log, error } = console;
  process.exitCode = await pullSchema(process.argv.slice(2), { env: process.env, out: log, err: error, folder: '.' });
}
