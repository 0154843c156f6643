import Table from 'cli-table3';
import type { Case } from './cases.ts';
import type { TimelineRun } from './database/timeline.ts';
import type { UpsertRun } from './database/upserts.ts';
import type { Reader, Run } from './measure/run-case.ts';

/** The figures of every reader of a case: those of its run with the median wall time. */
export type Middle = ReadonlyMap<string, ReadonlyMap<Reader, Run>>;

/** The format of a table. */
export type Style = 'terminal' | 'markdown';

/** Picks the median run of each case and reader. */
export function middleOf(runs: readonly Run[]): Middle {
  const byCase = Map.groupBy(runs, (run) => run.case);
  return new Map(
    [...byCase].map(([name, all]) => {
      const byReader = Map.groupBy(all, ({ reader }) => reader);
      return [
        name,
        new Map([...byReader].flatMap(([reader, its]) => middleRun(its, (run) => run.wallSeconds).map((run) => [reader, run] as const))),
      ];
    }),
  );
}

/** Picks the median run of each database and action. */
export const middleUpserts = (runs: readonly UpsertRun[]): UpsertRun[] =>
  [...Map.groupBy(runs, ({ database, action }) => `${database} ${action}`).values()].flatMap((its) =>
    middleRun(its, ({ seconds }) => seconds),
  );

/** Picks the median run of each question. */
export const middleTimelines = (runs: readonly TimelineRun[]): TimelineRun[] =>
  [...Map.groupBy(runs, ({ question }) => question).values()].flatMap((its) => middleRun(its, ({ milliseconds }) => milliseconds));

function middleRun<T>(runs: readonly T[], secondsOf: (run: T) => number): readonly T[] {
  const sorted = runs.toSorted((a, b) => secondsOf(a) - secondsOf(b));
  const middle = Math.floor((sorted.length - 1) / 2);
  return sorted.slice(middle, middle + 1);
}

const head = ['', 'GraphQL', 'REST', 'MB received', 'wall s', 'to limit', 'CPU s', 'peak MB', 'live MB', 'rows read', 'written'];

/** The table of all cases, with a line for each reader. `markdown` is for documents. */
export function tableOf(cases: readonly Case[], middle: Middle, style: Style): string {
  const parts = cases.flatMap((measured) => {
    const runs = middle.get(measured.name);
    return runs ? [{ measured, runs }] : [];
  });
  const sections = parts.map(({ measured, runs }) => ({
    heading: style === 'terminal' ? `${measured.name}: ${measured.title}` : measured.title,
    rows: rowsOf(runs),
  }));
  return layOut(head, sections, style);
}

const upsertHead = ['', 'rows/s', 'COPY = 1'];

/** The table of the page upsert. */
export function upsertTableOf(runs: readonly UpsertRun[], style: Style): string {
  const sections = [...Map.groupBy(runs, ({ database }) => database)].map(([heading, its]) => {
    const copy = its.find(({ action }) => action === 'COPY');
    const rows = its.map(({ action, rows: count, seconds }) => [
      action,
      Math.round(count / seconds).toLocaleString('en-US'),
      copy ? (copy.seconds / seconds).toFixed(2) : '',
    ]);
    return { heading, rows };
  });
  return layOut(upsertHead, sections, style);
}

/** The table of the timeline's windows. */
export function timelineTableOf(runs: readonly TimelineRun[], style: Style): string {
  const rows = runs.map(({ question, changes, milliseconds }) => [question, String(changes), milliseconds.toFixed(1)]);
  const versions = (runs[0]?.versions ?? 0).toLocaleString('en-US');
  return layOut(['', 'changes', 'ms'], [{ heading: `20 minutes of a timeline of ${versions} versions`, rows }], style);
}

interface Section {
  readonly heading: string;
  readonly rows: ReadonlyArray<readonly string[]>;
}

function layOut(columns: readonly string[], sections: readonly Section[], style: Style): string {
  if (style === 'markdown') {
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
    const lines = sections.flatMap(({ heading, rows }) => [line([`**${heading}**`, ...columns.slice(1).map(() => '')]), ...rows.map(line)]);
    return [line(columns), line(columns.map((_, index) => (index === 0 ? '---' : '--:'))), ...lines, ''].join('\n');
  }
  const table = new Table({
    head: [...columns],
    style: { head: [], border: [] },
    colAligns: columns.map((_, index) => (index === 0 ? 'left' : 'right')),
  });
  for (const { heading, rows } of sections) {
    table.push([{ content: heading, colSpan: columns.length }]);
    for (const row of rows) table.push([...row]);
  }
  return table.toString();
}

function rowsOf(runs: ReadonlyMap<Reader, Run>): string[][] {
  const limit = runs.get('limit');
  return [...runs.values()].map((run) => {
    const { reader, part, traffic, wallSeconds, cpuSeconds, peakMegabytes, liveMegabytes, rowsRead, rowsWritten } = run;
    const isWhole = part === 1;
    return [
      isWhole ? reader : `${reader}, 1/${part} of it`,
      String(traffic.graphql),
      String(traffic.rest),
      (traffic.bytes / 1e6).toFixed(2),
      wallSeconds.toFixed(2),
      limit && isWhole ? (wallSeconds / limit.wallSeconds).toFixed(2) : '',
      cpuSeconds.toFixed(2),
      peakMegabytes.toFixed(0),
      liveMegabytes.toFixed(0),
      String(rowsRead),
      rowsWritten === null ? '' : String(rowsWritten),
    ];
  });
}
