import Table from 'cli-table3';
import type { Case } from './cases.ts';
import type { Reader, Run } from './measure/run-case.ts';

/** What every reader of a case took, the middle one of its runs by wall time. */
export type Middle = ReadonlyMap<string, ReadonlyMap<Reader, Run>>;

/** Picks the middle run of each case and reader. */
export function middleOf(runs: readonly Run[]): Middle {
  const byCase = Map.groupBy(runs, (run) => run.case);
  return new Map(
    [...byCase].map(([name, all]) => {
      const byReader = Map.groupBy(all, ({ reader }) => reader);
      return [name, new Map([...byReader].flatMap(([reader, its]) => middleRun(its).map((run) => [reader, run] as const)))];
    }),
  );
}

function middleRun(runs: readonly Run[]): readonly Run[] {
  const sorted = runs.toSorted((a, b) => a.wallSeconds - b.wallSeconds);
  return sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor((sorted.length - 1) / 2) + 1);
}

const head = ['', 'GraphQL', 'REST', 'MB received', 'wall s', 'to limit', 'CPU s', 'peak MB', 'rows read', 'written'];

/** The table of all cases, with as many lines for each as there are readers; `markdown` for a document. */
export function tableOf(cases: readonly Case[], middle: Middle, style: 'terminal' | 'markdown'): string {
  const parts = cases.flatMap((measured) => {
    const runs = middle.get(measured.name);
    return runs ? [{ measured, runs }] : [];
  });
  if (style === 'markdown') {
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
    const lines = parts.flatMap(({ measured, runs }) => [
      line([`**${measured.title}**`, ...head.slice(1).map(() => '')]),
      ...rowsOf(runs).map(line),
    ]);
    return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...lines].join('\n');
  }
  const table = new Table({
    head: [...head],
    style: { head: [], border: [] },
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
  });
  for (const { measured, runs } of parts) {
    table.push([{ content: `${measured.name}: ${measured.title}`, colSpan: head.length }]);
    for (const row of rowsOf(runs)) table.push(row);
  }
  return table.toString();
}

function rowsOf(runs: ReadonlyMap<Reader, Run>): string[][] {
  const limit = runs.get('limit');
  return [...runs.values()].map((run) => {
    const { reader, part, traffic, wallSeconds, cpuSeconds, peakMegabytes, rowsRead, rowsWritten } = run;
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
      String(rowsRead),
      rowsWritten === null ? '' : String(rowsWritten),
    ];
  });
}
