import type { TimelineChange } from '../../store/events/read-timeline.ts';
import { columnCount, spanKey } from './answer.ts';
import type { Answer } from './answer.ts';
import { readUntilByProject } from './coverage.ts';
import { toneOf } from './kinds.ts';
import type { Tone } from './kinds.ts';

/** A change that happens at a moment. `x` is its place in the window, from 0 to 1. */
export interface Point {
  readonly x: number;
  readonly change: TimelineChange;
  readonly tone: Tone;
}

/** A pipeline, from its start to its end. */
export interface Bar {
  readonly x: number;
  readonly width: number;
  /** Bars of one track do not overlap. Counted from 0. */
  readonly track: number;
  /** The last change of the pipeline on the page. */
  readonly change: TimelineChange;
  readonly tone: Tone;
}

/** So many changes in a column of the window that they are not drawn one by one. */
export interface Cell {
  readonly column: number;
  readonly count: number;
  readonly failed: number;
}

/** What one project did in the window. */
export interface Lane {
  readonly project: string;
  readonly points: readonly Point[];
  readonly bars: readonly Bar[];
  readonly cells: readonly Cell[];
  readonly total: number;
  /** From where on the window was not read, from 0 to 1; 1 = all of it was read. */
  readonly readTo: number;
}

/** The lanes to draw, by path, and what is not drawn. */
export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly hiddenProjects: number;
  readonly hiddenChanges: number;
}

const mostLanes = 30;
/** Lanes without a change that are drawn because half of the window or more was not read. */
const mostUnread = 8;
const mostTracks = 3;
const mostPoints = 2;

/** Lays out the lanes. Each change is drawn where all changes are on the page; else, and where columns are crowded, counts are drawn. */
export function layOut(answer: Answer): Lanes {
  const isWhole = answer.next === null && answer.query.after.length === 0;
  const readUntil = readUntilByProject(answer.coverage);
  const totals = new Map<string, number>();
  for (const { project, count } of answer.counts) totals.set(project ?? '', (totals.get(project ?? '') ?? 0) + count);
  const busiest = [...totals].toSorted(([a, more], [b, less]) => less - more || a.localeCompare(b));
  const shown = busiest.slice(0, mostLanes).map(([project]) => project);
  const hidden = busiest.slice(mostLanes);
  const readTo = (project: string) => readToOf(answer, readUntil.get(project));
  const unread = [...readUntil.keys()].filter((project) => !totals.has(project) && readTo(project) <= 0.5).slice(0, mostUnread);
  const byProject = Map.groupBy(answer.changes, ({ project }) => project ?? '');
  const lanes = [...shown, ...unread]
    .toSorted((a, b) => a.localeCompare(b))
    .map((project) => ({
      project,
      total: totals.get(project) ?? 0,
      readTo: readTo(project),
      ...(isWhole ? drawn(byProject.get(project) ?? [], answer) : { points: [], bars: [], cells: counted(project, answer) }),
    }));
  return { lanes, hiddenProjects: hidden.length, hiddenChanges: hidden.reduce((sum, [, count]) => sum + count, 0) };
}

function readToOf({ query }: Answer, until: number | null | undefined): number {
  // A project that is no longer read has no coverage: nothing is said about it.
  if (until === undefined) return 1;
  return until === null ? 0 : placeIn(query, until);
}

/** The place of a moment in the window, from 0 to 1. */
export const placeIn = ({ from, to }: Answer['query'], time: number) =>
  Math.min(1, Math.max(0, (time - from.getTime()) / (to.getTime() - from.getTime())));

const timeOf = ({ query }: Answer, change: TimelineChange) =>
  placeIn(query, Date.parse(query.by === 'happened' ? change.happenedAt : change.arrivedAt));

const columnOf = (x: number) => Math.min(columnCount - 1, Math.floor(x * columnCount));

function counted(project: string, { counts }: Answer): Cell[] {
  const cells = new Map<number, Cell>();
  for (const { project: other, column, count, failed } of counts) {
    if ((other ?? '') !== project) continue;
    const before = cells.get(column);
    cells.set(column, { column, count: count + (before?.count ?? 0), failed: failed + (before?.failed ?? 0) });
  }
  return [...cells.values()].toSorted((a, b) => a.column - b.column);
}

function drawn(changes: readonly TimelineChange[], answer: Answer): Pick<Lane, 'points' | 'bars' | 'cells'> {
  const { bars, rest } = barsOf(changes, answer);
  const columns = Map.groupBy(rest, (change) => columnOf(timeOf(answer, change)));
  const points: Point[] = [];
  const cells: Cell[] = [];
  for (const [column, inColumn] of columns) {
    if (inColumn.length > mostPoints) {
      const failed = inColumn.filter((change) => toneOf(change) === 'bad').length;
      cells.push({ column, count: inColumn.length, failed });
      continue;
    }
    for (const [index, change] of inColumn.entries()) {
      // Two points of one column stand side by side.
      const x = inColumn.length === 1 ? timeOf(answer, change) : (column + 0.25 + index * 0.5) / columnCount;
      points.push({ x, change, tone: toneOf(change) });
    }
  }
  return { points, bars, cells };
}

/** The pipelines that have a place in a track, and all other changes. */
function barsOf(changes: readonly TimelineChange[], answer: Answer): { bars: Bar[]; rest: TimelineChange[] } {
  const pipelines = Map.groupBy(
    changes.filter(({ stream }) => stream === 'pipelines'),
    spanKey,
  );
  const bars: Bar[] = [];
  const rest = changes.filter(({ stream }) => stream !== 'pipelines');
  const tracks: number[] = [];
  const placed = [...pipelines]
    .map(([key, ofOne]) => ({ ofOne, ...endsOf(answer, key, ofOne) }))
    .toSorted((a, b) => a.start - b.start || a.end - b.end);
  for (const { ofOne, start, end } of placed) {
    const free = tracks.findIndex((until) => until <= start);
    const track = free === -1 ? tracks.length : free;
    const last = ofOne.at(-1);
    if (track >= mostTracks || last === undefined) rest.push(...ofOne);
    else {
      // The sign at its end needs some room too.
      tracks[track] = end + 1 / columnCount;
      bars.push({ x: start, width: end - start, track, change: last, tone: toneOf(last) });
    }
  }
  return { bars, rest };
}

/** From where to where a pipeline lasted within the window. */
function endsOf(answer: Answer, key: string, changes: readonly TimelineChange[]): { start: number; end: number } {
  const times = changes.map((change) => timeOf(answer, change));
  const span = answer.query.by === 'happened' ? answer.spans.get(key) : undefined;
  const started = span?.startedAt ? [placeIn(answer.query, Date.parse(span.startedAt))] : [];
  const isRunning = ['running', 'pending', 'created'].includes(changes.at(-1)?.status ?? '') && !span?.finishedAt;
  const end = isRunning ? placeIn(answer.query, answer.now.getTime()) : Math.max(...times);
  const start = Math.min(...times, ...started);
  return { start, end: Math.max(end, start) };
}
