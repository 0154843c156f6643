import { isRead } from '../store/progress/read-coverage.ts';
import type { CoverageEntry } from '../store/progress/read-coverage.ts';
import type { ShownZone } from './window.ts';

/** The most projects that are named. */
const mostNamed = 10;

/** What was read, in words: how far all projects were read, and what was not. `to` is the end of the window that was asked for. */
export function coverageText(entries: readonly CoverageEntry[], to: Date, { shown, zoneName }: ShownZone): string {
  const lineOf = ({ project, stream, readUntil, outcome }: CoverageEntry) =>
    `${project}: ${stream} ${readUntil === null ? 'never read' : `not read since ${shown(readUntil)} ${zoneName}`} (${outcome}).`;
  if (entries.length === 0) return 'No project was read yet: run `gitlab-connector sync` first.\n';
  const read = entries.filter(isRead);
  const projects = new Set(entries.map(({ project }) => project)).size;
  const until = read.map(({ readUntil }) => readUntil ?? '').toSorted((a, b) => a.localeCompare(b))[0];
  const others = entries.filter((entry) => !isRead(entry)).map(lineOf);
  const gaps = entries.reduce((sum, entry) => sum + entry.gaps, 0);
  return [
    ...(until === undefined
      ? []
      : [
          `${projects === 1 ? 'The project was' : `${projects} projects were`} read at ${shown(until)} ${zoneName} or later${others.length > 0 ? ', but:' : '.'}`,
        ]),
    ...others.slice(0, mostNamed),
    ...(others.length > mostNamed ? [`and ${others.length - mostNamed} more: \`gitlab-connector audit\` names them.`] : []),
    ...(until !== undefined && new Date(until) < to ? ['What happened after that is not read yet.'] : []),
    ...(gaps > 0 ? [`${gaps} rows could not be read completely: \`gitlab-connector audit\` names them.`] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
