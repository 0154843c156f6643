import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { nearestTo } from '../config/unknown-keys.ts';
import { ConfigurationError } from '../errors.ts';
import { matches } from '../store/events/patterns.ts';
import type { TimelineFilter } from '../store/events/read-timeline.ts';
import type { KnownConnection } from '../store/events/read-known.ts';
import type { Reads } from '../store/reads.ts';
import { streams } from '../streams/index.ts';

/** Flags that choose events or changes. Each may be given several times. */
export interface FilterFlags extends Record<string, unknown> {
  readonly project?: readonly string[];
  readonly type?: readonly string[];
  readonly author?: readonly string[];
  readonly environment?: readonly string[];
  readonly status?: readonly string[];
  readonly connection?: readonly string[];
  readonly text?: string;
}

/** Names of types as titles have them, in any case. Throws InvalidArgumentError. */
function collectType(value: string, before: readonly string[] = []): readonly string[] {
  const found = streams.find(({ type }) => type.toLowerCase() === value.toLowerCase());
  if (found) return [...before, found.type];
  const types = streams.map(({ type }) => type.toLowerCase());
  const nearest = nearestTo(value, types);
  throw new InvalidArgumentError(`${nearest ? `Did you mean ${nearest}? ` : ''}Allowed choices are ${types.join(', ')}.`);
}

const collect = (value: string, before: readonly string[] = []) => [...before, value];

/** Adds the flags that choose events or changes. */
export function addFilters(command: Command): Command {
  const types = streams.map(({ type }) => type.toLowerCase());
  return command
    .addOption(
      new Option('--project <pattern>', 'of this project, or of the projects of this group; * is any text; repeatable').argParser(collect),
    )
    .addOption(new Option('--type <type>', `of this type: ${types.join(', ')}; repeatable`).argParser(collectType))
    .addOption(new Option('--author <pattern>', 'by this author; * is any text; repeatable').argParser(collect))
    .addOption(new Option('--environment <pattern>', 'deployed to this environment; * is any text; repeatable').argParser(collect))
    .addOption(new Option('--status <status>', 'in this status, such as merged or failed; repeatable').argParser(collect))
    .addOption(new Option('--connection <id or name>', 'of this connection; repeatable').argParser(collect))
    .option('--text <text>', 'with this text in the title or the id');
}

/** The filter of the flags. Throws ConfigurationError for a connection that does not exist. */
export async function filterOf(reads: Reads, flags: FilterFlags, connectionId: number | undefined): Promise<TimelineFilter> {
  const connections = flags.connection ? await reads.readConnections() : [];
  return {
    connectionIds: flags.connection
      ? flags.connection.map((name) => connectionOf(name, connections))
      : connectionId === undefined
        ? []
        : [connectionId],
    projects: flags.project ?? [],
    types: flags.type ?? [],
    authors: flags.author ?? [],
    environments: flags.environment ?? [],
    statuses: flags.status ?? [],
    text: flags.text ?? '',
  };
}

function connectionOf(given: string, connections: readonly KnownConnection[]): number {
  const found = connections.find(({ id, name }) => String(id) === given || name.toLowerCase() === given.toLowerCase());
  if (!found)
    throw unknown(
      '--connection',
      given,
      connections.map(({ id, name }) => `${id} (${name})`),
    );
  return found.id;
}

/** Throws ConfigurationError when a flag matches nothing in the tables. Call it for an empty answer. */
export async function refuseUnknown(
  reads: Reads,
  { project = [], author = [], environment = [], status = [] }: FilterFlags,
): Promise<void> {
  if (project.length + author.length + environment.length + status.length === 0) return;
  const known = await reads.readKnownNames();
  const ofGroup = (pattern: string) => known.projects.some((path) => matches(path, pattern) || matches(path, `${pattern}/*`));
  for (const pattern of project) if (!ofGroup(pattern)) throw unknown('--project', pattern, known.projects);
  for (const pattern of author)
    if (!known.authors.some((name) => matches(name, pattern))) throw unknown('--author', pattern, known.authors);
  for (const pattern of environment)
    if (!known.environments.some((name) => matches(name, pattern))) throw unknown('--environment', pattern, known.environments);
  for (const name of status) if (!known.statuses.includes(name.toLowerCase())) throw unknown('--status', name, known.statuses);
}

/** The most known values that an error names. */
const mostNamed = 8;

function unknown(flag: string, given: string, known: readonly string[]): ConfigurationError {
  const nearest = nearestTo(given, known);
  const some = known.slice(0, mostNamed).join(', ');
  const others = known.length > mostNamed ? ` and ${known.length - mostNamed} more` : '';
  const hint = nearest ? `did you mean ${nearest}?` : known.length === 0 ? 'nothing is stored yet' : `there are ${some}${others}`;
  return new ConfigurationError([`${flag} ${JSON.stringify(given.slice(0, 200))} matches nothing that is stored: ${hint}`]);
}
