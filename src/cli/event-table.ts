import type { Json, JsonObject } from '../events/change-event.ts';
import type { StoredEvent } from '../store/events/read-events.ts';
import type { KnownConnection } from '../store/events/read-known.ts';
import { fittedTable } from './fitted-table.ts';
import type { Column } from './fitted-table.ts';
import { utc } from './window.ts';
import type { ShownZone } from './window.ts';

const titlePattern = /^\[(\w+)\] (.*)$/s;

/** How a table is shown. */
export interface TableOptions {
  /** @default UTC */
  readonly zone?: ShownZone;
  /** Names of connections. Where there are several, the table says of which connection a row is. */
  readonly connections?: readonly KnownConnection[];
}

/** How a table of events is shown. */
export interface EventTableOptions extends TableOptions {
  /** Whether to show the id and the page of each event. @default true */
  readonly hasLinks?: boolean;
}

/** Events as a table that fits into `width` columns: time, type, status, title, facts, id and page. */
export function eventTable(events: readonly StoredEvent[], width: number, options: EventTableOptions = {}): string {
  const { zone = utc, hasLinks = true } = options;
  const shown = events.map((event) => {
    const [, type = '', what = event.title] = titlePattern.exec(event.title) ?? [];
    const project = text(event.metadata?.project);
    return { event, type, what: type === 'Image' || project === '' ? what : `${project}: ${what}` };
  });
  return fittedTable(
    [
      { head: `when (${zone.zoneName})`, cells: events.map(({ timestamp }) => zone.shown(timestamp)) },
      { head: 'type', cells: shown.map(({ type }) => type) },
      { head: 'status', cells: events.map(({ status }) => status) },
      connectionColumn(events, options),
      { head: 'what', cells: shown.map(({ what }) => what), fit: 'wrap' },
      { head: 'details', cells: shown.map(({ type, event }) => detailsOf(type, event)), fit: 'wrap' },
      ...(hasLinks
        ? [
            { head: 'id', cells: events.map(({ eventId }) => eventId), fit: 'below' as const },
            { head: 'link', cells: events.map(({ url }) => url), fit: 'below' as const },
          ]
        : []),
    ],
    width,
  );
}

/** The column with the connections' names, which is empty where there is only one connection. */
export function connectionColumn(
  rows: ReadonlyArray<{ readonly connectionId: number | null }>,
  { connections = [] }: Pick<TableOptions, 'connections'>,
): Column {
  const names = new Map<number | null, string>(connections.length > 1 ? connections.map(({ id, name }) => [id, name]) : []);
  return { head: 'connection', cells: rows.map(({ connectionId }) => names.get(connectionId) ?? '') };
}

/** Facts of an event beside the title, in one line. */
export function detailsOf(
  type: string,
  { author, description, metadata }: Pick<StoredEvent, 'author' | 'description' | 'metadata'>,
): string {
  const facts = details[type]?.(description ?? {}, metadata ?? {}) ?? [];
  return [author === 'unknown' ? '' : `by ${author}`, ...facts].filter((fact) => fact !== '').join('; ');
}

type Details = (description: JsonObject, metadata: JsonObject) => string[];

const details: Readonly<Record<string, Details>> = {
  MR: ({ files_changed, labels }, { mr_iid, target_branch, approved_by, files_changed_total, additions, deletions }) => [
    `!${text(mr_iid)} into ${text(target_branch)}`,
    prefixed('labels: ', texts(labels)),
    texts(approved_by).length === 0 ? 'not approved' : prefixed('approved by ', texts(approved_by)),
    prefixed('files: ', texts(files_changed), Number(files_changed_total ?? 0)),
    typeof additions === 'number' ? `+${additions} -${text(deletions)}` : '',
  ],
  Pipeline: ({ failed_jobs }, { pipeline_id, sha, source, duration_seconds }) => [
    `#${text(pipeline_id)} of ${text(sha)} by ${text(source)}`,
    prefixed(
      'jobs: ',
      objects(failed_jobs).map(({ name, status }) => `${text(name)} ${text(status)}`),
    ),
    typeof duration_seconds === 'number' ? `took ${duration_seconds} s` : '',
  ],
  Release: ({ assets }, { tag_name }) => [`tag ${text(tag_name)}`, prefixed('assets: ', texts(assets))],
  Commit: (_, { sha, branch, additions, deletions }) => [
    `${text(sha).slice(0, 8)} on ${text(branch)}`,
    `+${text(additions)} -${text(deletions)}`,
  ],
  Image: ({ metadata }) => {
    const [{ digest_short, size } = {}] = objects([metadata ?? {}]);
    return [`digest ${text(digest_short)}`, text(size)];
  },
  Deployment: (_, { tier, job, previous_sha, rollback, is_current }) => [
    text(tier),
    text(job) === '' ? '' : `job ${text(job)}`,
    text(previous_sha) === '' ? '' : `before: ${text(previous_sha).slice(0, 8)}`,
    rollback === true ? 'rollback' : '',
    is_current === true ? 'runs now' : '',
  ],
};

/** How many items of a list are shown. */
const itemsShown = 3;

function prefixed(prefix: string, items: readonly string[], total = items.length): string {
  if (items.length === 0) return '';
  const shown = items.slice(0, itemsShown);
  return `${prefix}${shown.join(', ')}${total > shown.length ? ` and ${total - shown.length} more` : ''}`;
}

const text = (value: Json | undefined): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(text) : []);
const objects = (value: Json | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter((item): item is JsonObject => typeof item === 'object' && item !== null) : [];
