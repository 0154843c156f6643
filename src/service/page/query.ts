import { isZone, parseMoment } from '../../timeline/moments.ts';
import type { TimelineQuery } from '../../store/events/read-timeline.ts';
import { kinds } from './kinds.ts';

/** What a URL of the page asks for. */
export interface PageQuery {
  readonly from: Date;
  readonly to: Date;
  /** Whether the window ends at the moment of the request, and moves with it. */
  readonly endsNow: boolean;
  readonly by: 'happened' | 'arrival';
  /** Name of a time zone, such as `UTC`. */
  readonly zone: string;
  readonly projects: readonly string[];
  /** Keys of kinds, such as `mr`. Empty = all. */
  readonly types: readonly string[];
  readonly authors: readonly string[];
  readonly statuses: readonly string[];
  readonly text: string;
  readonly showNoise: boolean;
  /** The places of the pages up to this one. Empty = the first page. */
  readonly after: readonly string[];
}

/** A parsed URL: what it asks for, or what is wrong with it, in one sentence for each value. */
export interface ParsedQuery {
  /** Null when there are problems. */
  readonly query: PageQuery | null;
  readonly problems: readonly string[];
}

/** The window of a page without a window in its URL. */
export const defaultLast = '1h';

/** The longest window. */
const longestMs = 400 * 86_400_000;
/** The longest value that is repeated in a message. */
const mostShown = 60;
const mostValues = 50;

/** Parses the parameters of the page. `now` is the moment of the request. */
export function parseQuery(parameters: URLSearchParams, now: Date): ParsedQuery {
  const problems: string[] = [];
  for (const [name, value] of parameters) {
    // PostgreSQL has no such character.
    if (value.includes('\0')) problems.push(`${quoted(name)} holds the character U+0000.`);
  }
  const one = (name: string) => (parameters.getAll(name).at(-1) ?? '').trim();
  const many = (name: string) => listOf(parameters.getAll(name));
  const zone = zoneOf(one('tz'), problems);
  const window = windowOf(one, { now, zone }, problems);
  const by = one('by') || 'happened';
  if (by !== 'happened' && by !== 'arrival') problems.push(`by must be happened or arrival, not ${quoted(by)}.`);
  const types = many('type').map((type) => type.toLowerCase());
  for (const type of types.filter((type) => !kinds.some(({ key }) => key === type)))
    problems.push(`${quoted(type)} is not a kind of change: the kinds are ${kinds.map(({ key }) => key).join(', ')}.`);
  for (const name of ['project', 'author', 'status'])
    if (many(name).length > mostValues) problems.push(`${name} has more than ${mostValues} values.`);
  const after = parameters.getAll('after').filter((place) => place !== '');
  if (!after.every(isPlace)) problems.push('after is not a place in this list: open the first page again.');
  if (problems.length > 0 || window === null) return { query: null, problems };
  return {
    query: {
      ...window,
      zone,
      by: by === 'arrival' ? 'arrival' : 'happened',
      projects: many('project'),
      types,
      authors: many('author'),
      statuses: many('status'),
      text: one('text'),
      showNoise: ['1', 'on', 'true'].includes(one('noise')),
      after,
    },
    problems,
  };
}

/** The query of the store. `connectionIds` are those that the poller serves. */
export function timelineQuery(query: PageQuery, connectionIds: readonly number[]): TimelineQuery {
  const { from, to, by, projects, types, authors, statuses, text, showNoise } = query;
  return {
    from,
    to,
    by,
    // An empty list would stand for all connections.
    connectionIds: connectionIds.length === 0 ? [0] : connectionIds,
    projects,
    types: kinds.filter(({ key }) => types.includes(key)).map(({ type }) => type),
    authors,
    statuses,
    text,
    showNoise,
    after: query.after.at(-1),
  };
}

/** Whether the URL leaves out changes that are in the window. */
export const hasFilter = ({ projects, types, authors, statuses, text }: PageQuery): boolean =>
  projects.length > 0 || types.length > 0 || authors.length > 0 || statuses.length > 0 || text !== '';

interface Clock {
  readonly now: Date;
  readonly zone: string;
  readonly after?: Date;
}

type Window = Pick<PageQuery, 'from' | 'to' | 'endsNow'>;

/** `around` wins over `from` and `to`, and these over `last`. */
function windowOf(one: (name: string) => string, clock: Clock, problems: string[]): Window | null {
  const { now } = clock;
  const moment = (name: string, otherwise: Date) => (one(name) === '' ? otherwise : momentOf(name, one(name), { clock, problems }));
  let window: { from: Date | null; to: Date | null; endsNow: boolean };
  if (one('around') === '') {
    const hasWindow = one('from') !== '' || one('to') !== '';
    const last = (hasWindow ? '' : one('last')) || defaultLast;
    const span = momentOf('last', last, { clock, problems });
    const lastMs = span === null ? 0 : now.getTime() - span.getTime();
    const begin = one('from') === '' ? null : moment('from', now);
    // A time of day is the first one after the beginning.
    const to = one('to') === '' ? now : momentOf('to', one('to'), { clock: begin ? { ...clock, after: begin } : clock, problems });
    const from = one('from') === '' ? new Date((to ?? now).getTime() - lastMs) : begin;
    window = { from, to, endsNow: one('to') === '' };
  } else {
    const minutes = minutesOf(one('minutes') || '15', problems);
    const middle = moment('around', now)?.getTime();
    const at = (sign: number) => (middle === undefined || minutes === null ? null : new Date(middle + sign * minutes * 60_000));
    window = { from: at(-1), to: at(1), endsNow: false };
  }
  const { from, to, endsNow } = window;
  if (from === null || to === null) return null;
  if (from >= to) problems.push(`The window must begin before it ends: from ${from.toISOString()} to ${to.toISOString()}.`);
  else if (to.getTime() - from.getTime() > longestMs) problems.push('The window must be 400 days long at most.');
  return { from, to, endsNow };
}

function momentOf(name: string, text: string, { clock, problems }: { clock: Clock; problems: string[] }): Date | null {
  const isSpanOnly = name === 'last';
  const parsed = text.length > 100 || (isSpanOnly && !/^\d+\w/.test(text)) ? null : parseMoment(text, clock);
  const isInYears = parsed !== null && parsed.getUTCFullYear() >= 1 && parsed.getUTCFullYear() <= 9999;
  if (isInYears && !(isSpanOnly && parsed >= clock.now)) return parsed;
  const examples = isSpanOnly ? '15m, 6h, 7d' : '10:00, yesterday 14:00, 2026-11-23T10:00Z, 2h';
  problems.push(`${name} is not a ${isSpanOnly ? 'span' : 'time'} that this page knows: ${quoted(text)}. Examples: ${examples}.`);
  return null;
}

function minutesOf(text: string, problems: string[]): number | null {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text);
  problems.push(`minutes must be a whole number of at least 1, not ${quoted(text)}.`);
  return null;
}

function zoneOf(text: string, problems: string[]): string {
  // The browser knows the local zone: page.js asks again with its name.
  if (text === '' || /^(utc|local)$/i.test(text)) return 'UTC';
  if (text.length <= mostShown && isZone(text)) return text;
  problems.push(`tz is not a time zone: ${quoted(text)}. Examples: UTC, Europe/Berlin.`);
  return 'UTC';
}

/** The cursor of readTimeline. A place that PostgreSQL cannot read would be an error of the database. */
const isPlace = (text: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z\/\d{1,15}$/.test(text) && !Number.isNaN(Date.parse(text.split('/')[0] ?? ''));

const listOf = (values: readonly string[]) => [...new Set(values.flatMap((value) => value.split(/[\s,]+/)).filter((item) => item !== ''))];
const quoted = (text: string) => JSON.stringify(text.length > mostShown ? `${text.slice(0, mostShown)}…` : text);
