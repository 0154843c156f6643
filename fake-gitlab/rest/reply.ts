import type { Poisons, Subject } from '../world/poison.ts';
import { poisonedList } from './poisoned.ts';

/** A REST answer, before it becomes a Response. */
export interface RestReply {
  readonly status: number;
  readonly body?: unknown;
  /** An HTML page in place of a JSON body. */
  readonly html?: string;
  /** Whether the JSON of the body ends too early. */
  readonly isCutOff?: true;
  readonly headers?: Readonly<Record<string, string>>;
}

export const notFound = (what: string): RestReply => ({ status: 404, body: { message: `404 ${what}Not Found`.replace('  ', ' ') } });
export const forbidden: RestReply = { status: 403, body: { message: '403 Forbidden' } };

/** Page and page size of an offset list: 20 rows by default, at most 100. */
export function offsetOf(url: URL, largestPage = 100): { readonly page: number; readonly perPage: number } {
  const number = (name: string, fallback: number) => Math.max(1, Number(url.searchParams.get(name) ?? fallback) || fallback);
  return { page: number('page', 1), perPage: Math.min(number('per_page', 20), largestPage) };
}

/** How a list is paged. */
export interface OffsetList<T> {
  /** Whether the headers contain the number of rows. Lists of commits have no such headers. */
  readonly counts: boolean;
  readonly largestPage?: number;
  readonly toBody: (row: T) => unknown;
  /** The subjects of the rows, and the faults of single objects. */
  readonly faults?: { readonly poisons: Poisons; readonly toSubject: (row: T) => Subject };
}

/** A page of a list with GitLab's headers. */
export function offsetPage<T>(url: URL, rows: readonly T[], { counts, largestPage, toBody, faults }: OffsetList<T>): RestReply {
  const { page, perPage } = offsetOf(url, largestPage);
  const onPage = rows.slice((page - 1) * perPage, page * perPage);
  const body = onPage.map(toBody);
  // Without a count a full page announces a next page, so an empty page follows a last page that is full.
  const hasNext = counts ? page * perPage < rows.length : body.length === perPage;
  const total = counts ? { 'x-total': String(rows.length), 'x-total-pages': String(Math.max(1, Math.ceil(rows.length / perPage))) } : {};
  const next = new URL(url);
  next.searchParams.set('page', String(page + 1));
  const reply = {
    status: 200,
    body,
    headers: {
      'x-page': String(page),
      'x-per-page': String(perPage),
      'x-next-page': hasNext ? String(page + 1) : '',
      'x-prev-page': page > 1 ? String(page - 1) : '',
      ...(hasNext ? { link: `<${next.href}>; rel="next"` } : {}),
      ...total,
    },
  };
  return faults ? poisonedList(reply, body, { poisons: faults.poisons, subjects: onPage.map(faults.toSubject) }) : reply;
}
