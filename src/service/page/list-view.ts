import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { TimelineChange } from '../../store/events/read-timeline.ts';
import { foldCommits, isLate, lineText } from '../../timeline/fold-commits.ts';
import type { TimelineLine } from '../../timeline/fold-commits.ts';
import type { Answer } from './answer.ts';
import { isRollBack, kindOf, toneOf } from './kinds.ts';
import { linkTo, safeUrl } from './links.ts';
import { classesOf, foreign, icon, nothing, outIcon } from './markup.ts';
import type { Html } from './markup.ts';
import { clockOf, spanText } from './times.ts';
import type { Clockface } from './times.ts';

/** The id of the row of a change: the same in every answer, so that links and live updates find it. */
export const rowId = ({ connectionId, eventId, version }: TimelineChange): string =>
  `c${createHash('sha256').update(`${connectionId} ${version} ${eventId}`).digest('hex').slice(0, 12)}`;

/** The address of the page of one change. */
export const changePath = ({ connectionId, eventId }: Pick<TimelineChange, 'connectionId' | 'eventId'>, zone: string): string =>
  `/changes?${new URLSearchParams({ id: eventId, connection: String(connectionId), ...(zone === 'UTC' ? {} : { tz: zone }) }).toString()}`;

/** The list of changes with its days and its links to other pages. */
export function listView(answer: Answer): Html {
  const clock = clockOf(answer.query.zone);
  const lines = foldCommits(answer.changes, answer.commitDates);
  const timeOf = ({ happenedAt, arrivedAt }: TimelineChange) => (answer.query.by === 'happened' ? happenedAt : arrivedAt);
  let day = '';
  const rows = lines.map((line) => {
    const dayOfLine = clock.day(timeOf(line.changes[0]));
    const heading = dayOfLine === day ? nothing : html`<li class="day" id="d${dayOfLine}">${dayOfLine}</li>`;
    day = dayOfLine;
    return html`${heading}${rowView(line, { answer, clock, timeOf })}`;
  });
  return html`<ol class="rows" id="rows">
      ${rows}
    </ol>
    ${pagesView(answer)}`;
}

interface RowContext {
  readonly answer: Answer;
  readonly clock: Clockface;
  readonly timeOf: (change: TimelineChange) => string;
}

function rowView(line: TimelineLine, context: RowContext): Html {
  const [first, ...more] = line.changes;
  const { answer, clock, timeOf } = context;
  const look = { kind: kindOf(first.stream), tone: toneOf(first), isRollBack: isRollBack(first) };
  const url = more.length === 0 ? safeUrl(first.url, answer.urls.get(first.connectionId)) : null;
  const out =
    url === null
      ? nothing
      : html`<a class="out" href="${url}" rel="noreferrer noopener" title="Open in GitLab">${outIcon()}<span> GitLab</span></a>`;
  const inside =
    more.length === 0
      ? insideView(first, context)
      : html`<ol class="folded">
          ${line.changes.map((change) => rowView({ ...line, headline: change.headline, changes: [change], age: null }, context))}
        </ol>`;
  return html`<li class="row ${classesOf(look)}" id="${more.length === 0 ? rowId(first) : `f${rowId(first)}`}" data-at="${timeOf(first)}">
    <details>
      <summary>
        <time datetime="${timeOf(first)}" title="${clock.full(timeOf(first))} ${answer.query.zone}">${clock.time(timeOf(first))}</time>
        <span class="kind">${icon(look)} ${look.kind.word}</span>
        <span class="what">${foreign(lineText(line, { withAuthor: false }))}${markOf(first, clock)}</span>
        <span class="project">${foreign(first.project ?? '')}</span>
        <span class="author">${foreign(first.author)}</span>
      </summary>
      ${inside}
    </details>
    ${out}
  </li>`;
}

/** Says of a change that it was read later than others: with the history of its project, or by a late pass. */
function markOf(change: TimelineChange, clock: Clockface): Html {
  if (change.isHistory) return html` <span class="mark">known from history</span>`;
  return isLate(change) ? html` <span class="mark">arrived ${clock.full(change.arrivedAt).slice(0, 16)}</span>` : nothing;
}

function insideView(change: TimelineChange, { answer, clock }: RowContext): Html {
  const lateBy = Date.parse(change.arrivedAt) - Date.parse(change.happenedAt);
  const late = isLate(change) ? html` · <strong>${spanText(lateBy)} later</strong>` : nothing;
  return html`<div class="inside">
    <p class="facts">
      happened ${clock.full(change.happenedAt)} · arrived ${clock.full(change.arrivedAt)}${late} · version ${change.version} · status
      ${foreign(change.status)}
    </p>
    <p><a class="more" href="${changePath(change, answer.query.zone)}">History, chain and raw event</a></p>
  </div>`;
}

function pagesView({ query, next }: Answer): Html {
  const { after } = query;
  if (next === null && after.length === 0) return nothing;
  const previous =
    after.length === 0 ? nothing : html`<a rel="prev" href="${linkTo(query, { after: after.slice(0, -1) })}">‹ earlier changes</a>`;
  const following = next === null ? nothing : html`<a rel="next" href="${linkTo(query, { after: [...after, next] })}">later changes ›</a>`;
  return html`<nav class="pages" aria-label="Pages">${previous} <span>page ${after.length + 1}</span> ${following}</nav>`;
}
