import type { Json, JsonObject } from '../events/change-event.ts';
import type { StoredEvent } from '../store/events/read-events.ts';
import type { KnownConnection } from '../store/events/read-known.ts';
import { tableOf } from './table.ts';
import type { ShownZone } from './window.ts';

const titlePattern = /^\[(\w+)\] (.*)$/s;
const whenWidth = 18;
const typeWidth = 10;
const statusWidth = 11;
const borders = 6;

/** How a table of events is shown. */
export interface EventTableOptions {
  /** Default: UTC. */
  readonly zone?: ShownZone;
  /** Names of connections. Where there are several, the table says of which connection an event is. */
  readonly connections?: readonly KnownConnection[];
  /** Whether to show the id and the page of each event. Default: true. */
  readonly hasLinks?: boolean;
}

/** A narrower table has everything but the time in one column. */
const wide = 100;

/** Events as a table of `width` columns: time, type, status, title with id and page, and facts. */
export function eventTable(
  events: readonly StoredEvent[],
  width: number,
  { zone, connections = [], hasLinks = true }: EventTableOptions = {},
): string {
  const when = `when (${zone?.zoneName ?? 'UTC'})`;
  const names = new Map(connections.length > 1 ? connections.map(({ id, name }) => [id, name]) : []);
  const rows = events.map((event) => {
    const [, type = '', what = event.title] = titlePattern.exec(event.title) ?? [];
    const project = text(event.metadata?.project);
    const place = type === 'Image' || project === '' ? '' : `${project}: `;
    const connection = event.connectionId === null ? undefined : names.get(event.connectionId);
    return {
      time: zone?.shown(event.timestamp) ?? event.timestamp.slice(0, 16).replace('T', ' '),
      type,
      status: event.status,
      what: `${place}${what}`,
      links: [...(hasLinks ? [event.eventId, event.url] : []), ...(connection === undefined ? [] : [`connection: ${connection}`])],
      details: detailsOf(type, event),
    };
  });
  if (width < wide) {
    return tableOf({
      head: [when, 'what'],
      widths: [whenWidth, Math.max(30, width - whenWidth - 3)],
      rows: rows.map(({ time, type, status, what, links, details: facts }) => [time, [`${type} ${status}`, what, facts, ...links]]),
    });
  }
  const room = Math.max(50, width - whenWidth - typeWidth - statusWidth - borders);
  const whatWidth = Math.floor(room * (hasLinks ? 0.5 : 0.4));
  return tableOf({
    head: [when, 'type', 'status', 'what', 'details'],
    widths: [whenWidth, typeWidth, statusWidth, whatWidth, room - whatWidth],
    rows: rows.map(({ time, type, status, what, links, details: facts }) => [time, type, status, [what, ...links], facts]),
  });
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
