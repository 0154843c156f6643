import { isFailure, problemLine } from '../service/problem-line.ts';
import type { Problem, SyncReport } from '../pass/report.ts';
import { streams } from '../streams/index.ts';
import { printable } from '../printable.ts';
import { tableOf } from './table.ts';

/** The report of a pass as text: counts of each stream, what could not be read and why, and totals. */
export function summaryText(report: SyncReport): string {
  const rows = streams.flatMap(({ name, label }) => {
    const counts = report.streams[name];
    return counts ? [[label, counts.fetched, counts.inserted, counts.updated]] : [];
  });
  const { graphql, rest } = report.requests;
  const unread = report.problems.filter(isFailure);
  const known = report.problems.filter(({ since }) => since !== undefined);
  const leftOut = report.problems.filter(({ expected }) => expected);
  return [
    tableOf({ head: ['stream', 'read', 'new', 'changed'], rows }),
    ...section(
      'Could not be read',
      unread.map((problem) => problemLine(problem, labelOf(problem))),
    ),
    ...section(
      'Known gaps',
      known.map((problem) => `${problemLine(problem, labelOf(problem))} (since ${problem.since})`),
    ),
    ...section('Left out', [...folded(leftOut), ...artifactLines(report)]),
    `${report.projects} projects, ${graphql} GraphQL and ${rest} REST requests, ${(report.durationMs / 1000).toFixed(1)} s: fetched ${report.fetched}, stored ${report.stored}\n`,
    ...(report.corrected > 0 ? [`corrected ${report.corrected} events that had changed without a trace\n`] : []),
  ].join('');
}

/** Tags that were left out because they are not images. */
function artifactLines({ streams: counts }: SyncReport): string[] {
  const sum = Object.values(counts).reduce((total, { artifacts = 0 }) => total + artifacts, 0);
  return sum === 0 ? [] : [`${sum} signatures, attestations and SBOMs of images (IMAGE_ARTIFACTS)`];
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:\n`, ...lines.map((line) => `  ${printable(line)}\n`)];

/** Problems that the settings cause: one line for each reason instead of one for each project. */
function folded(problems: readonly Problem[]): string[] {
  const byReason = new Map<string, Problem[]>();
  for (const problem of problems) {
    const label = labelOf(problem);
    const key = label === undefined ? problem.reason : `${label}: ${problem.reason}`;
    byReason.set(key, [...(byReason.get(key) ?? []), problem]);
  }
  return [...byReason].map(([reason, [first, ...others]]) => {
    const place = [first?.project, first?.scope].filter((part) => part !== undefined).join(' > ');
    return `${reason} (${place}${others.length > 0 ? ` and ${others.length} more` : ''})`;
  });
}

const labelOf = ({ stream }: Problem) => streams.find(({ name }) => name === stream)?.label;
