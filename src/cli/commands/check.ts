import type { Command } from 'commander';
import { checkAll } from '../../operations/check/check-gitlab.ts';
import type { CheckReport } from '../../operations/check/check-gitlab.ts';
import type { CheckEntry } from '../../operations/check/check.ts';
import { withFoundDatabase } from '../find-database.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { jsonText } from '../json-text.ts';
import { addSettings, gitlabConfigOf } from '../settings.ts';
import { fittedTable } from '../fitted-table.ts';
import { widthOf } from '../table.ts';
import { wrap } from '../wrap.ts';
import { reportFailure } from './sync.ts';

/** `gitlab-connector check`: checks that a sync would work. */
export function addCheck(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('check')
      .summary('check that a sync would work, and how to fix what would not')
      .description(
        'Checks the connection to GitLab, its version, the token, the projects and the database, and says how to fix what is wrong. Changes nothing. Exit code 1 when a check fails, 3 when GitLab or the database cannot be reached.',
      )
      .option('--json', 'print the result as JSON'),
  ).action(async ({ json, ...flags }: { json?: true } & Record<string, unknown>) => {
    const config = gitlabConfigOf(flags, io);
    const report = await withFoundDatabase(config, (found) => checkAll(found, config, { signal: io.signal }));
    if ('error' in report) {
      end(reportFailure(report, io));
      return;
    }
    io.out.write(json ? jsonText(report) : textOf(report, widthOf(io.out)));
    end(codes[report.result]);
  });
}

const codes: Readonly<Record<CheckReport['result'], ExitCode>> = {
  ok: exitCodes.ok,
  warning: exitCodes.ok,
  failure: exitCodes.incomplete,
  unreachable: exitCodes.unavailable,
};

function textOf({ checks, requests }: CheckReport, width: number): string {
  const rows = checks.flatMap(({ check, subject, result, detail, fix }) => [
    [check, result, subject === undefined ? detail : `${subject}: ${detail}`],
    ...(fix ? [['', '', `→ ${fix}`]] : []),
  ]);
  const cells = (index: number) => rows.map((row) => row[index] ?? '');
  const table = fittedTable(
    [
      { head: 'check', cells: cells(0) },
      { head: 'result', cells: cells(1) },
      { head: 'what was found', cells: cells(2), fit: 'wrap' },
    ],
    width,
  );
  return `${table}${wrap(`${sumsOf(checks)}; ${requests.graphql} GraphQL and ${requests.rest} REST requests`, width).join('\n')}\n`;
}

function sumsOf(checks: readonly CheckEntry[]): string {
  const count = (result: CheckEntry['result']) => checks.filter((entry) => entry.result === result).length;
  const named = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;
  return `${count('ok')} ok, ${named(count('warning'), 'warning')}, ${named(count('failure'), 'failure')}, ${count('skipped')} skipped`;
}
