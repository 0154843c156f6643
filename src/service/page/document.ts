import { html } from 'hono/html';
import { nearestTo } from '../../config/unknown-keys.ts';
import type { Answer } from './answer.ts';
import { coverageWords, oldestOf } from './coverage.ts';
import type { CoverageWords } from './coverage.ts';
import { environmentsView } from './environments-view.ts';
import { formView, toolsView } from './form-view.ts';
import { lanesView } from './lanes-view.ts';
import { linkTo } from './links.ts';
import { listView } from './list-view.ts';
import { foreign, nothing, shapeDefinitions } from './markup.ts';
import type { Html } from './markup.ts';
import type { ParsedQuery } from './query.ts';
import { clockOf, countText } from './times.ts';

/** What a document is made of. */
export interface DocumentParts {
  readonly title: string;
  readonly coverage: Html;
  readonly body: Html;
}

/** A whole document. */
export const documentOf = ({ title, coverage, body }: DocumentParts): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/page.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/page.css" />
        <script src="/page.js" defer></script>
      </head>
      <body>
        ${shapeDefinitions()}
        <header>
          <h1><a href="/">GitLab changes</a></h1>
          ${coverage}
        </header>
        ${body}
      </body>
    </html> `;

const mostLines = 40;

/** How far GitLab was read, always in sight; opens to what was not read. */
function coverageView({ summary, lines, isComplete }: CoverageWords): Html {
  const dot = html`<span class="dot ${isComplete ? 'ok' : 'behind'}" aria-hidden="true"></span>`;
  if (lines.length === 0) return html`<p class="coverage" id="coverage">${dot} ${summary}</p>`;
  const rest = lines.length > mostLines ? html`<li>and ${lines.length - mostLines} more: gitlab-connector audit names them</li>` : nothing;
  return html`<details class="coverage" id="coverage">
    <summary>${dot} ${summary} · ${countText(lines.length, 'stream')} behind</summary>
    <ul>
      ${lines.slice(0, mostLines).map((line) => html`<li>${foreign(line)}</li>`)}${rest}
    </ul>
  </details>`;
}

/** The document of an answer. */
export function answerDocument(answer: Answer, parameters: URLSearchParams): Html {
  const { query, changes, projects, next, coverage, now } = answer;
  const clock = clockOf(query.zone);
  const isLive = query.endsNow && next === null;
  return documentOf({
    title: `${countText(answer.total, 'change')}, ${clock.minute(query.from)} to ${clock.minute(query.to)} ${query.zone}`,
    coverage: coverageView(coverageWords(coverage, { now, from: query.from, clock })),
    body: html`${formView({ parameters, query, projects })}
      <main id="answer" ${isLive ? 'data-live="1"' : ''}>
        ${toolsView(answer)}
        <div id="lanes">${environmentsView(answer)}${lanesView(answer)}</div>
        ${changes.length === 0 ? emptyView(answer) : listView(answer)}
      </main>
      ${helpView()}`,
  });
}

/** The document of a URL with impossible values. */
export function problemDocument({ problems }: ParsedQuery, parameters: URLSearchParams): Html {
  return documentOf({
    title: 'GitLab changes',
    coverage: nothing,
    body: html`${formView({ parameters, query: null, projects: [] })}
      <main id="answer">
        <div class="empty problem" role="alert">
          <h2>This page cannot be shown</h2>
          <ul>
            ${problems.map((problem) => html`<li>${foreign(problem)}</li>`)}
          </ul>
        </div>
      </main>`,
  });
}

/** A document with one message. */
export function messageDocument(title: string, message: string): Html {
  return documentOf({
    title,
    coverage: nothing,
    body: html`<main id="answer">
      <div class="empty problem" role="alert">
        <h2>${title}</h2>
        <p>${foreign(message)}</p>
      </div>
    </main>`,
  });
}

/** Why there is no change to show. */
function emptyView(answer: Answer): Html {
  const { query, coverage, unfiltered, projects } = answer;
  const clock = clockOf(query.zone);
  const box = (heading: string, text: Html) =>
    html`<ol class="rows" id="rows"></ol>
      <div class="empty">
        <h2>${heading}</h2>
        <p>${text}</p>
      </div>`;
  if (query.after.length > 0) return box('No change on this page', html`<a href="${linkTo(query)}">To the first page</a>`);
  if (projects.length === 0)
    return box(
      'Nothing was read yet',
      html`The first pass of this poller has not ended. <code>gitlab-connector sync</code> reads at once, and
        <code>gitlab-connector check</code> says what is wrong.`,
    );
  const without =
    unfiltered === null || unfiltered === 0
      ? nothing
      : html` Without the filter:
          <a href="${linkTo(query, { withoutFilter: true })}">${countText(unfiltered, 'change')}</a>.`;
  if (coverage.length === 0 && query.projects.length > 0) {
    const nearest = query.projects.flatMap((project) => nearestTo(project, projects) ?? []);
    const hint = nearest.length === 0 ? nothing : html` Did you mean ${foreign(nearest.join(', '))}?`;
    return box('No such project', html`No project that is read fits ${foreign(query.projects.join(', '))}.${hint}${without}`);
  }
  if (without !== nothing) return box('The filter is too narrow', html`No change in this window fits the filter.${without}`);
  const until = oldestOf(coverage);
  if (until === null || until <= query.from.getTime())
    return box(
      'Not read yet',
      html`This window is later than the last reading${until === null ? nothing : html`, which was at ${clock.full(new Date(until))}`}.
      Something may have changed.`,
    );
  const behind = coverageWords(coverage, { now: answer.now, from: query.from, clock }).lines.length;
  const partly = until < query.to.getTime() && !query.endsNow ? ` What happened after ${clock.full(new Date(until))} is not read yet.` : '';
  return box(
    behind === 0 ? 'Nothing changed' : 'No change is known',
    html`${behind === 0 ? 'All' : 'Not all'} projects of the window were read.${partly}
      <a href="${linkTo(query, { window: wider(query) })}">Look at a longer window</a>.`,
  );
}

const wider = ({ from, to }: Answer['query']) => ({ from: new Date(from.getTime() - 3 * (to.getTime() - from.getTime())), to });

const helpView = (): Html =>
  html`<dialog id="help" aria-label="Keyboard">
    <h2>Keyboard</h2>
    <dl>
      <dt>j, k</dt>
      <dd>next, previous row</dd>
      <dt>o</dt>
      <dd>open or close the row</dd>
      <dt>/</dt>
      <dd>search text</dd>
      <dt>f</dt>
      <dd>filters</dd>
      <dt>t</dt>
      <dd>UTC or local time</dd>
      <dt>?</dt>
      <dd>this help</dd>
    </dl>
    <form method="dialog"><button>Close</button></form>
  </dialog>`;
