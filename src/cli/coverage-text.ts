import { isRead } from '../store/progress/read-coverage.ts';
import type { CoverageEntry } from '../store/progress/read-coverage.ts';
import { prunedText } from '../timeline/pruned-text.ts';
import { unreadText } from '../timeline/unread-text.ts';
import { printable } from '../printable.ts';
import type { ShownZone } from './window.ts';
import { wrap } from './wrap.ts';

/** The most projects that are named. */
const mostNamed = 10;

/** What the coverage is told for. */
export interface CoverageTextOptions {
  /** The window that was asked for; absent where a list has none. */
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly zone: ShownZone;
  /** Columns of the terminal. */
  readonly width: number;
}

/** What was read, in words: how far all projects were read, what was not, and whether the window is newer than that. */
export function coverageText(entries: readonly CoverageEntry[], { zone, width, ...window }: CoverageTextOptions): string {
  const lines = entries.length === 0 ? ['No project was read yet: run `gitlab-connector sync` first.'] : linesOf(entries, window, zone);
  return lines
    .flatMap((line) => wrap(printable(line), width))
    .map((line) => `${line}\n`)
    .join('');
}

type Bounds = Pick<CoverageTextOptions, 'from' | 'to'>;

function linesOf(entries: readonly CoverageEntry[], { from, to }: Bounds, { shown, zoneName }: ShownZone): string[] {
  const lineOf = (entry: CoverageEntry) => `${unreadText(entry, (moment) => `${shown(moment)} ${zoneName}`)}.`;
  const read = entries.filter(isRead);
  const projects = new Set(entries.map(({ project }) => project)).size;
  const until = read.map(({ readUntil }) => readUntil ?? '').toSorted((a, b) => a.localeCompare(b))[0];
  const others = entries.filter((entry) => !isRead(entry)).map(lineOf);
  const gaps = entries.reduce((sum, entry) => sum + entry.gaps, 0);
  const pruned = prunedText(entries, from, (moment) => `${shown(moment)} ${zoneName}`);
  const isBefore = (moment: Date | undefined) => until !== undefined && moment !== undefined && new Date(until) < moment;
  return [
    ...(until === undefined
      ? []
      : [
          `${projects === 1 ? 'The project was' : `${projects} projects were`} read at ${shown(until)} ${zoneName} or later${others.length > 0 ? ', but:' : '.'}`,
        ]),
    ...others.slice(0, mostNamed),
    ...(others.length > mostNamed ? [`and ${others.length - mostNamed} more: \`gitlab-connector audit\` names them.`] : []),
    ...(isBefore(from) ? ['The whole window is newer than that: what happened in it is not read yet.'] : []),
    ...(isBefore(to) && !isBefore(from) ? ['What happened after that is not read yet.'] : []),
    ...(pruned === null ? [] : [`H${pruned.slice(1)}.`]),
    ...(gaps > 0 ? [`${gaps} rows could not be read completely: \`gitlab-connector audit\` names them.`] : []),
  ];
}
