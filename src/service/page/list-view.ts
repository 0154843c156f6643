import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { TimelineChange } from '../../store/events/read-timeline.ts';
import type { Answer } from './answer.ts';
import { foldCommits } from './fold.ts';
import type { Line } from './fold.ts';
import { isRollBack, kindOf, toneOf } from './kinds.ts';
import { linkTo, safeUrl } from './links.ts';
import { classesOf, foreign, icon, nothing } from './markup.ts';
import type { Html } from './markup.ts';
import { clockOf, spanText } from './times.ts';
import type { Clockface } from './times.ts';

/** A change that arrived so much later than it happened says so: a pass was late. */
const lateMs = 15 * 60_000;

/** The id of the row of a change: the same in every answer, so that links and live updates find it. */
export const rowId = ({ connectionId, eventId, version }: TimelineChange): string =>
  `c${createHash('sha256').update(`${connectionId} ${version} ${eventId}`).digest('hex').slice(0, 12)}`;

/** The address of the page of one change. */
export const changePath = ({ connectionId, eventId }: Pick<TimelineChange, 'connectionId' | 'eventId'>, zone: string): string =>
  `/changes?${new URLSearchParams({ id: eventId, connection: String(connectionId), ...(zone === 'UTC' ? {} : { tz: zone }) }).toString()}`;

/** The list of changes with its days and its links to other pages. */
export function listView(answer: Answer): Html {
  const clock = clockOf(answer.query.zone);
  const lines = foldCommits(answer.changes);
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

function rowView(line: Line, context: RowContext): Html {
  const [first, ...more] = line.changes;
  const { answer, clock, timeOf } = context;
  const look = { kind: kindOf(first.stream), tone: toneOf(first), isRollBack: isRollBack(first) };
  const url = more.length === 0 ? safeUrl(first.url, answer.urls.get(first.connectionId)) : null;
  const out =
    url === null ? nothing : html`<a class="out" href="${url}" rel="noreferrer noopener" title="Open in GitLab">↗<span> GitLab</span></a>`;
  const inside =
    more.length === 0
      ? insideView(first, context)
      : html`<ol class="folded">
          ${line.changes.map((change) => rowView({ text: change.headline, changes: [change] }, context))}
        </ol>`;
  return html`<li class="row ${classesOf(look)}" id="${more.length === 0 ? rowId(first) : `f${rowId(first)}`}" data-at="${timeOf(first)}">
    <details>
      <summary>
        <time datetime="${timeOf(first)}" title="${clock.full(timeOf(first))} ${answer.query.zone}">${clock.time(timeOf(first))}</time>
        <span class="kind">${icon(look)} ${look.kind.word}</span>
        <span class="what">${foreign(line.text)}</span>
        <span class="project">${foreign(first.project ?? '')}</span>
        <span class="author">${foreign(first.author)}</span>
      </summary>
      ${inside}
    </details>
    ${out}
  </li>`;
}

function insideView(change: TimelineChange, { answer, clock }: RowContext): Html {
  const lateBy = Date.parse(change.arrivedAt) - Date.parse(change.happenedAt);
  const late = lateBy < lateMs ? nothing : html` · <strong>${spanText(lateBy)} later</strong>`;
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
    after.length === 0 ? nothing : html`<a rel="prev" href="${linkTo(query, { after: after.slice(0, -1) })}">← earlier changes</a>`;
  const following = next === null ? nothing : html`<a rel="next" href="${linkTo(query, { after: [...after, next] })}">later changes →</a>`;
  return html`<nav class="pages" aria-label="Pages">${previous} <span>page ${after.length + 1}</span> ${following}</nav>`;
}
