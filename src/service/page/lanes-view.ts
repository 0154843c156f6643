import { html } from 'hono/html';
import { visible } from '../../printable.ts';
import { columnCount } from './answer.ts';
import type { Answer } from './answer.ts';
import { isRollBack, kindOf } from './kinds.ts';
import { layOut } from './lanes.ts';
import type { Bar, Cell, Lane, Point } from './lanes.ts';
import { rowId } from './list-view.ts';
import { linkTo } from './links.ts';
import { classesOf, foreign, nothing, shapeOf } from './markup.ts';
import type { Html } from './markup.ts';
import type { PageQuery } from './query.ts';
import { clockOf, countText } from './times.ts';
import type { TimelineChange } from '../../store/events/read-timeline.ts';

/** A place in a window as CSS takes it. */
export const percent = (x: number) => `${Number((x * 100).toFixed(2))}%`;

/** Height of the row of points, and of a track of bars. */
const [pointsHeight, trackHeight] = [24, 10];

/** A lane for each project: bars for pipelines, points for the rest, counts where there is no room. */
export function lanesView(answer: Answer): Html {
  const { lanes, hiddenProjects, hiddenChanges } = layOut(answer);
  if (lanes.length === 0) return nothing;
  const hidden = `${countText(hiddenProjects, 'more project')} with ${countText(hiddenChanges, 'change')}: filter the projects, or narrow the window.`;
  return html`<section class="lanes" aria-label="Lanes by project" tabindex="0">
    <div class="grid">
      ${lanes.map((lane) => laneView(lane, answer.query))}
      <div class="lane axis"><span class="name"></span>${axis(answer.query)}</div>
    </div>
    ${hiddenProjects === 0 ? nothing : html`<p class="note">${hidden}</p>`}
    <p class="caption" aria-live="polite"></p>
  </section>`;
}

function laneView(lane: Lane, query: PageQuery): Html {
  const tracks = Math.max(0, ...lane.bars.map(({ track }) => track + 1));
  const height = pointsHeight + tracks * trackHeight;
  return html`<div class="lane">
    <span class="name" title="${visible(lane.project)}">${foreign(lane.project || 'no project')}</span>
    <svg class="track" width="100%" height="${height}" role="img" aria-label="${visible(lane.project)}: ${countText(lane.total, 'change')}">
      <line class="base" x1="0" x2="100%" y1="${height - 0.5}" y2="${height - 0.5}" />
      ${unread(lane.readTo, height)} ${lane.cells.map((cell) => cellView(cell, query))} ${lane.bars.map(barView)}
      ${lane.points.map(pointView)}
    </svg>
  </div>`;
}

/** The band of the window that was not read: that nothing is drawn there says nothing. */
export function unread(readTo: number, height: number): Html {
  if (readTo > 0.998) return nothing;
  const width = 1 - readTo;
  const word = width > 0.12 ? html`<text x="${percent(readTo + width / 2)}" y="${height / 2 + 4}">not read</text>` : nothing;
  return html`<g class="unread"
    ><title>not read yet</title><rect x="${percent(readTo)}" width="${percent(width)}" y="0" height="${height}" />${word}</g
  >`;
}

const lookOf = (change: TimelineChange, tone: Point['tone']) => ({ kind: kindOf(change.stream), tone, isRollBack: isRollBack(change) });

function pointView({ x, change, tone }: Point): Html {
  const look = lookOf(change, tone);
  return html`<a href="#${rowId(change)}" class="${classesOf(look)}"
    ><title>${visible(change.headline)}</title><use href="#s-${shapeOf(look)}" x="${percent(x)}" y="${pointsHeight / 2}"
  /></a>`;
}

function barView({ x, width, track, change, tone }: Bar): Html {
  const look = lookOf(change, tone);
  const y = pointsHeight + track * trackHeight;
  const end = tone === 'plain' ? nothing : html`<use href="#s-${shapeOf(look)}" x="${percent(x + width)}" y="${y + 3}" />`;
  return html`<a href="#${rowId(change)}" class="${classesOf(look)}"
    ><title>${visible(change.headline)}</title
    ><rect x="${percent(x)}" y="${y}" width="${percent(Math.max(width, 0.002))}" height="6" rx="2" />${end}</a
  >`;
}

/** A count that leads to its column of the window. */
function cellView({ column, count, failed }: Cell, query: PageQuery): Html {
  const clock = clockOf(query.zone);
  const at = (edge: number) => new Date(query.from.getTime() + (edge / columnCount) * (query.to.getTime() - query.from.getTime()));
  const window = { from: at(column), to: at(column + 1) };
  const title = `${countText(count, 'change')}${failed === 0 ? '' : `, ${failed} failed`}, from ${clock.time(window.from)} to ${clock.time(window.to)}: zoom in`;
  return html`<a href="${linkTo(query, { window })}" class="cell ${failed === 0 ? '' : 'bad'}"
    ><title>${title}</title
    ><rect x="${percent(column / columnCount)}" width="${percent(0.94 / columnCount)}" y="3" height="18" rx="3" /><text
      x="${percent((column + 0.47) / columnCount)}"
      y="16"
      >${count > 999 ? `${Math.round(count / 1000)}k` : count}</text
    ></a
  >`;
}

/** A label at an edge stays inside. */
const anchorOf = (x: number) => (x < 0.03 ? 'start' : x > 0.97 ? 'end' : 'middle');

const second = 1000;
const steps = [1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];

/** The times below lanes. */
export function axis(query: PageQuery): Html {
  const [from, to] = [query.from.getTime(), query.to.getTime()];
  const length = to - from;
  const step = (steps.find((seconds) => length / (seconds * second) <= 8) ?? 7_776_000) * second;
  const clock = clockOf(query.zone);
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) ticks.push(tick);
  const label = (tick: number) => {
    const time = new Date(tick);
    if (step >= 86_400 * second) return clock.day(time).slice(5);
    return step < 60 * second ? clock.time(time) : length > 86_400 * second ? clock.full(time).slice(5, 16) : clock.minute(time);
  };
  return html`<svg class="track" width="100%" height="18" aria-hidden="true">
    ${ticks.map((tick) => html`<text x="${percent((tick - from) / length)}" y="13" text-anchor="${anchorOf((tick - from) / length)}">${label(tick)}</text>`)}
  </svg>`;
}
