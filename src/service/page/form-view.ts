import { html } from 'hono/html';
import type { Answer } from './answer.ts';
import { kinds } from './kinds.ts';
import { linkTo, linkToLast } from './links.ts';
import { nothing } from './markup.ts';
import type { Html } from './markup.ts';
import { defaultLast } from './query.ts';
import type { PageQuery } from './query.ts';
import { clockOf } from './times.ts';

/** What the form shows. */
export interface FormContent {
  readonly parameters: URLSearchParams;
  /** Null when a value is wrong: then the form keeps what was typed. */
  readonly query: PageQuery | null;
  /** Paths that the field of projects suggests. */
  readonly projects: readonly string[];
}

const quickSpans = ['15m', '1h', '6h', '24h', '7d'];
const statuses = 'opened merged closed running success failed canceled published deleted'.split(' ');
const mostSuggested = 300;

/** The form whose values are the URL. */
export function formView(content: FormContent): Html {
  const { parameters, query } = content;
  const isFiltered = ['project', 'type', 'author', 'status', 'text'].some((name) => parameters.getAll(name).some((value) => value !== ''));
  return html`<form action="/" method="get" id="query">
    <div class="line window">${windowFields(content)} <button type="submit">Show</button></div>
    <details class="filters" id="filters" ${isFiltered ? 'open' : ''}>
      <summary>Filters</summary>
      <div class="line">
        ${filterFields(content)}
        ${isFiltered && query ? html`<a href="${linkTo(query, { withoutFilter: true })}">clear filters</a>` : nothing}
      </div>
    </details>
  </form>`;
}

const valueOf = (parameters: URLSearchParams, name: string) => parameters.getAll(name).at(-1)?.slice(0, 200) ?? '';

function windowFields({ parameters, query }: FormContent): Html {
  const value = (name: string) => valueOf(parameters, name);
  const clock = clockOf(query?.zone ?? 'UTC');
  const hasWindow = ['from', 'to', 'around'].some((name) => value(name) !== '');
  const last = hasWindow ? '' : value('last') || defaultLast;
  const from = query === null ? '10:00' : clock.full(query.from);
  const to = query === null || query.endsNow ? 'now' : clock.full(query.to);
  const quick = (span: string) =>
    query === null
      ? html`<a href="/?last=${span}">${span}</a>`
      : html`<a href="${linkToLast(query, span)}" ${last === span ? 'aria-current="true"' : ''}>${span}</a>`;
  return html` <label
      >From
      <input
        name="from"
        value="${value('from')}"
        placeholder="${from}"
        size="19"
        title="10:00, yesterday 14:00, 2026-11-23T10:00Z, 2h"
        autocomplete="off"
    /></label>
    <label>to <input name="to" value="${value('to')}" placeholder="${to}" size="19" autocomplete="off" /></label>
    <label
      >around
      <input name="around" value="${value('around')}" placeholder="10:10" size="12" title="The moment of an alarm" autocomplete="off"
    /></label>
    <label>± <input name="minutes" value="${value('minutes') || '15'}" size="3" inputmode="numeric" /> min</label>
    ${last === '' ? nothing : html`<input type="hidden" name="last" value="${last}" />`}
    <span class="quick">last ${quickSpans.map(quick)}</span>
    <label
      >zone
      <select name="tz" id="tz">
        ${zoneOptions(query?.zone ?? 'UTC')}
      </select></label
    >`;
}

const zoneOptions = (zone: string) =>
  [...new Set(['UTC', zone])].map((name) => html`<option value="${name}" ${name === zone ? 'selected' : ''}>${name}</option>`);

function filterFields({ parameters, projects }: FormContent): Html {
  const value = (name: string) => valueOf(parameters, name);
  const joined = (name: string) => parameters.getAll(name).join(' ').trim().slice(0, 2_000);
  const types = parameters.getAll('type').flatMap((type) => type.toLowerCase().split(/[\s,]+/));
  const isOn = (key: string) => types.every((type) => type === '') || types.includes(key);
  const statusValue = value('status');
  return html` <label
      >project <input name="project" value="${joined('project')}" placeholder="acme/*" size="24" list="projects" autocomplete="off"
    /></label>
    <datalist id="projects">${projects.slice(0, mostSuggested).map((path) => html`<option value="${path}"></option>`)}</datalist>
    <fieldset>
      <legend>kind</legend>
      ${kinds.map(({ key, word }) => html`<label><input type="checkbox" name="type" value="${key}" ${isOn(key) ? 'checked' : ''} /> ${word}</label>`)}
    </fieldset>
    <label>author <input name="author" value="${joined('author')}" size="10" autocomplete="off" /></label>
    <label>status <input name="status" value="${statusValue}" size="10" list="statuses" placeholder="any" autocomplete="off" /></label>
    <datalist id="statuses">${statuses.map((status) => html`<option value="${status}"></option>`)}</datalist>
    <label>text <input name="text" type="search" id="text" value="${value('text')}" size="14" autocomplete="off" /></label>
    <label
      ><input type="checkbox" name="noise" value="1" ${['1', 'on', 'true'].includes(value('noise')) ? 'checked' : ''} /> show noise</label
    >
    <label
      >by
      <select name="by">
        <option value="happened">when it happened</option>
        <option value="arrival" ${value('by') === 'arrival' ? 'selected' : ''}>when it arrived here</option>
      </select></label
    >`;
}

/** The count of changes, and the links to the neighbouring windows and to other formats. */
export function toolsView({ query, total }: Answer): Html {
  const clock = clockOf(query.zone);
  const [from, to] = [query.from.getTime(), query.to.getTime()];
  const length = to - from;
  const shifted = (start: number, end: number) => linkTo(query, { window: { from: new Date(start), to: new Date(end) } });
  const isOneDay = clock.day(query.from) === clock.day(query.to);
  return html`<div class="tools">
    <p class="window">
      <strong id="total">${total.toLocaleString('en')}</strong> ${total === 1 ? 'change' : 'changes'} from
      <time datetime="${query.from.toISOString()}">${clock.full(query.from)}</time> to
      <time datetime="${query.to.toISOString()}">${isOneDay ? clock.time(query.to) : clock.full(query.to)}</time> ${query.zone}
    </p>
    <nav aria-label="Window">
      <a href="${shifted(from - length, from)}" title="The window before">‹ before</a>
      <a href="${shifted(from - length / 2, to + length / 2)}" title="A window twice as long">wider</a>
      <a href="${shifted(to, to + length)}" title="The window after">after ›</a>
    </nav>
    <nav aria-label="Formats">
      <a id="csv" href="${linkTo(query, { path: '/changes.csv' })}">CSV</a>
      <a id="json" href="${linkTo(query, { path: '/changes.json' })}">JSON</a>
      <a id="permalink" href="${linkTo(query, { after: query.after })}">link to this window</a>
    </nav>
  </div>`;
}
