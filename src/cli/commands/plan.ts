import type { Command } from 'commander';
import type { Config } from '../../config/parse-config.ts';
import { planSyncOfRecord } from '../../operations/plan/plan-sync.ts';
import type { SyncPlan } from '../../operations/plan/plan-sync.ts';
import { streams } from '../../streams/index.ts';
import { withRecord } from '../find-database.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { jsonText } from '../json-text.ts';
import { addSettings, gitlabConfigOf } from '../settings.ts';
import { parseMomentFlag } from '../moment-flag.ts';
import { printable } from '../../printable.ts';
import { tableOf } from '../table.ts';
import { reportFailure } from './sync.ts';

interface PlanFlags extends Record<string, unknown> {
  readonly since?: string;
  readonly json?: true;
}

/** `gitlab-connector plan`: shows what the next sync would do. */
export function addPlan(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('plan')
      .summary('show what the next sync would do, without doing it')
      .description(
        'Shows how many projects, requests and rows the next sync would take, how expensive its queries are, and how long it would take. Only reads from GitLab, and changes nothing.',
      )
      .option('--since <when>', 'plan a backfill to this moment: 2026-01-31, 2026-01-31T08:00:00Z, or 90d')
      .option('--json', 'print the plan as JSON'),
  ).action(async ({ since, json, ...flags }: PlanFlags) => {
    const backfillTo = since === undefined ? undefined : parseMomentFlag(since, '--since');
    // As in a backfill, new projects are read back to the same moment.
    const config = gitlabConfigOf(backfillTo ? { ...flags, syncSince: backfillTo.toISOString() } : flags, io);
    const plan = await withRecord(config, (open) =>
      planSyncOfRecord(open, config, { signal: io.signal, ...(backfillTo ? { backfillTo } : {}) }),
    );
    if ('error' in plan) {
      end(reportFailure(plan, io));
      return;
    }
    io.out.write(json ? jsonText(plan) : textOf(plan, config));
    end(exitCodes.ok);
  });
}

const labels: Readonly<Record<string, string>> = {
  lookup: 'find the projects',
  changes: 'read changes since the last pass',
  'first-sight': 'read new projects',
  backfill: 'read older history',
  reconcile: 'reconcile',
  ...Object.fromEntries(streams.map(({ name, label }) => [name, label])),
};

function textOf(plan: SyncPlan, { url }: Config): string {
  const { projects, steps, rows, uncounted, requests, complexity, measure, asked } = plan;
  const table = tableOf({
    head: ['step', 'projects', 'rows', 'GraphQL', 'REST', 'requests'],
    rows: steps.map(({ step, projects: count, rows: some, graphql, rest, certainty }) => [
      labels[step] ?? step,
      count,
      some === null ? '' : `about ${some}`,
      graphql,
      rest,
      certainty,
    ]),
  });
  return [
    `${url}: ${projects.known} known and ${projects.fresh} new projects\n`,
    ...projects.missing.map((entry) => `  not found, or out of sight for this token: ${printable(entry)}\n`),
    table,
    `In all about ${requests.graphql} GraphQL and at least ${requests.rest} REST requests for about ${rows} rows: ${durationText(plan.seconds)} or more`,
    ` (${measure.concurrency} at once, ${measure.roundTripMs} ms each${measure.requestsPerMinute === null ? '' : `, ${measure.requestsPerMinute} a minute allowed`}; without the time for storing)\n`,
    ...complexity.map(
      ({ operation, ask, projects: count, score, limit }) =>
        `${operation} (${ask}) of ${count === 1 ? '1 project' : `${count} projects`} costs ${score} of ${limit} points\n`,
    ),
    "Rows are GitLab's counts, which include rows that this token may not see.",
    ...(uncounted.length > 0 ? [` GitLab has no count of ${uncounted.join(', ')}.`] : []),
    '\n',
    `The plan took ${asked.graphql} GraphQL and ${asked.rest} REST requests. Nothing was written.\n`,
  ].join('');
}

function durationText(seconds: number): string {
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
