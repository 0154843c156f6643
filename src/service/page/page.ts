import { readFileSync } from 'node:fs';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Context } from 'hono';
import { GitlabSyncError, messageOf } from '../../errors.ts';
import { printableJson } from '../../printable.ts';
import { readEventsById } from '../../store/events/read-event.ts';
import { readHistory } from '../../store/events/read-events.ts';
import { readTimeline } from '../../store/events/read-timeline.ts';
import type { TimelineQuery } from '../../store/events/read-timeline.ts';
import { readCoverage } from '../../store/progress/read-coverage.ts';
import { csvText, timelineCsvColumns, timelineCsvRow } from '../../timeline/csv-text.ts';
import { readAnswer } from './answer.ts';
import type { Served } from './answer.ts';
import { changeView } from './change-view.ts';
import { answerDocument, documentOf, messageDocument, problemDocument } from './document.ts';
import { withHeaders, withPassword } from './guard.ts';
import { nothing } from './markup.ts';
import type { Html } from './markup.ts';
import { parseQuery, timelineQuery } from './query.ts';
import type { PageQuery } from './query.ts';

/** What the page needs of its poller. */
export interface PageOptions {
  /** Rejects with an error whose message is for people while the poller has no database. */
  readonly served: () => Promise<Served>;
  /** Null = none. */
  readonly password: string | null;
  readonly now?: () => Date;
  /** Called with an unexpected error (bug). */
  readonly onBug?: (error: unknown) => void;
}

/** The paths of the page. */
export const pagePaths: ReadonlySet<string> = new Set([
  '/',
  '/changes',
  '/changes.csv',
  '/changes.json',
  '/page.css',
  '/page.js',
  '/page.svg',
]);

const asset = (name: string) => readFileSync(new URL(`assets/${name}`, import.meta.url), 'utf8');

/** JSON is one document in memory, so it has a limit. CSV has none. */
const mostInJson = 10_000;
const csvPageSize = 1_000;

/** Creates the page. `fetch` of the result answers the requests for `pagePaths`. */
export function createPage(options: PageOptions): Hono {
  const now = options.now ?? (() => new Date());
  const app = new Hono();
  app.use(withHeaders, withPassword(options.password));
  for (const [name, type] of [
    ['page.css', 'text/css'],
    ['page.js', 'text/javascript'],
    ['page.svg', 'image/svg+xml'],
  ] as const) {
    const text = asset(name);
    app.get(`/${name}`, (context) => context.body(text, 200, { 'content-type': `${type}; charset=utf-8` }));
  }
  const withQuery =
    (answer: (context: Context, query: PageQuery, at: Date) => Promise<Response>) =>
    async (context: Context): Promise<Response> => {
      const at = now();
      const { searchParams } = new URL(context.req.url);
      const parsed = parseQuery(searchParams, at);
      if (parsed.query !== null) return answer(context, parsed.query, at);
      const isDocument = context.req.path === '/';
      return isDocument ? page(context, problemDocument(parsed, searchParams), 400) : context.text(`${parsed.problems.join('\n')}\n`, 400);
    };
  app.get(
    '/',
    withQuery(async (context, query, at) =>
      page(context, answerDocument(await readAnswer(await options.served(), query, at), new URL(context.req.url).searchParams)),
    ),
  );
  app.get(
    '/changes.json',
    withQuery(async (context, query, at) => jsonOf(context, query, { served: await options.served(), now: at })),
  );
  app.get(
    '/changes.csv',
    withQuery(async (context, query) => csvOf(context, query, await options.served())),
  );
  app.get('/changes', async (context) => changeOf(context, await options.served(), now()));
  app.onError((error, context) => {
    const isKnown = error instanceof GitlabSyncError;
    if (!isKnown) options.onBug?.(error);
    const message = isKnown ? messageOf(error) : 'The page could not be made. The log of the poller says why.';
    return page(context, messageDocument('Not available now', message), isKnown ? 503 : 500);
  });
  return app;
}

const page = async (context: Context, document: Html, status: 200 | 400 | 404 | 500 | 503 = 200) => context.html(await document, status);

async function jsonOf(
  context: Context,
  query: PageQuery,
  { served, now }: { readonly served: Served; readonly now: Date },
): Promise<Response> {
  const asked = timelineQuery(query, [...served.urls.keys()]);
  const [{ changes, next }, coverage] = await Promise.all([
    readTimeline(served.em, { ...asked, limit: mostInJson }),
    readCoverage(served.em, asked),
  ]);
  const { from, to, by } = query;
  const body = { from: from.toISOString(), to: to.toISOString(), by, answeredAt: now.toISOString(), changes, next, coverage };
  return context.body(`${printableJson(JSON.stringify(body))}\n`, 200, { 'content-type': 'application/json; charset=utf-8' });
}

function csvOf(context: Context, query: PageQuery, served: Served): Response {
  const name = `changes-${query.from.toISOString().slice(0, 16).replaceAll(':', '')}.csv`;
  const lines = ReadableStream.from(csvPages(served, timelineQuery(query, [...served.urls.keys()])));
  return context.body(lines.pipeThrough(new TextEncoderStream()), 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}"`,
  });
}

/** A page of the store is read when the client has taken the one before. */
async function* csvPages({ em }: Served, query: TimelineQuery): AsyncGenerator<string> {
  yield csvText([timelineCsvColumns]);
  for (let { after } = query; ;) {
    const { changes, next } = await readTimeline(em, { ...query, after, limit: csvPageSize });
    if (changes.length > 0) yield csvText(changes.map(timelineCsvRow));
    if (next === null) return;
    after = next;
  }
}

async function changeOf(context: Context, { em, urls }: Served, now: Date): Promise<Response> {
  const { searchParams } = new URL(context.req.url);
  const { query } = parseQuery(new URLSearchParams({ tz: searchParams.get('tz') ?? '' }), now);
  const eventId = searchParams.get('id') ?? '';
  const connectionId = Number(searchParams.get('connection') ?? [...urls.keys()][0]);
  // Only what the poller serves is shown, and text that PostgreSQL cannot hold is no id.
  const isPossible = urls.has(connectionId) && eventId !== '' && !eventId.includes('\0');
  const [event] = isPossible ? await readEventsById(em, { connectionId, eventIds: [eventId] }) : [];
  if (!event)
    return page(context, messageDocument('No such change', `No event ${JSON.stringify(eventId.slice(0, 300))} is stored here.`), 404);
  const project = typeof event.metadata?.['project'] === 'string' ? event.metadata['project'] : null;
  const related = event.description?.['related_events'];
  const eventIds = Array.isArray(related) ? related.filter((id) => typeof id === 'string') : [];
  const view = changeView({
    event,
    versions: (await readHistory(em, { connectionId, eventId })) ?? [],
    related: await readEventsById(em, { connectionId, eventIds }),
    coverage:
      project === null
        ? []
        : (await readCoverage(em, { connectionIds: [connectionId], projects: [project] })).filter((entry) => entry.project === project),
    gitlabUrl: urls.get(connectionId),
    zone: query?.zone ?? 'UTC',
  });
  if (searchParams.get('part') === '1') return page(context, view);
  return page(context, documentOf({ title: 'One change', coverage: nothing, body: html`<main id="answer">${view}</main>` }));
}
