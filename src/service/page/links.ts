import { kinds } from './kinds.ts';
import { defaultLast } from './query.ts';
import type { PageQuery } from './query.ts';

/** Which parts of a query a link changes. */
export interface LinkChanges {
  readonly path?: string;
  /** The window of the link. Default: that of the query, in absolute times. */
  readonly window?: { readonly from: Date; readonly to: Date } | { readonly last: string };
  readonly after?: readonly string[];
  /** Leave out project, kinds, author, status and text. */
  readonly withoutFilter?: boolean;
}

/** A link to the same query in absolute times, with changes. The window stays the same however late the link is opened. */
export function linkTo(query: PageQuery, { path = '/', window = query, after = [], withoutFilter = false }: LinkChanges = {}): string {
  const parameters = new URLSearchParams();
  if ('last' in window) parameters.set('last', window.last);
  else {
    parameters.set('from', window.from.toISOString());
    parameters.set('to', window.to.toISOString());
  }
  if (query.by !== 'happened') parameters.set('by', query.by);
  if (query.zone !== 'UTC') parameters.set('tz', query.zone);
  if (!withoutFilter) {
    for (const project of query.projects) parameters.append('project', project);
    if (query.types.length < kinds.length) for (const type of query.types) parameters.append('type', type);
    if (query.authors.length > 0) parameters.set('author', query.authors.join(' '));
    if (query.statuses.length > 0) parameters.set('status', query.statuses.join(' '));
    if (query.text !== '') parameters.set('text', query.text);
  }
  if (query.showNoise) parameters.set('noise', '1');
  for (const place of after) parameters.append('after', place);
  return `${path}?${parameters.toString().replaceAll('%3A', ':').replaceAll('%2F', '/')}`;
}

/** The link to the window of a page without parameters, which moves with the clock. */
export const linkToLast = (query: PageQuery, last: string = defaultLast): string => linkTo(query, { window: { last } });

/** The URL when it leads to the GitLab of the connection, else null: what GitLab says is not trusted. */
export function safeUrl(url: string, gitlabUrl: string | undefined): string | null {
  if (gitlabUrl === undefined || !URL.canParse(url) || !URL.canParse(gitlabUrl)) return null;
  const { protocol, origin, href, username, password } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return null;
  return origin === new URL(gitlabUrl).origin && username === '' && password === '' ? href : null;
}
