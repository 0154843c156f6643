import type { Command } from 'commander';
import { auditRecord } from '../../operations/audit/audit.ts';
import type { AuditReport } from '../../operations/audit/audit.ts';
import type { AuditEntry, AuditRows } from '../../operations/audit/compare.ts';
import { planAuditOfRecord } from '../../operations/audit/plan-audit.ts';
import type { AuditPlan } from '../../operations/audit/plan-audit.ts';
import { printable } from '../../printable.ts';
import { streams } from '../../streams/index.ts';
import { withRecord } from '../find-database.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, gitlabConfigOf } from '../settings.ts';
import { fittedTable } from '../fitted-table.ts';
import { tableOf, widthOf } from '../table.ts';
import { wrap } from '../wrap.ts';
import { reportFailure } from './sync.ts';

interface AuditFlags extends Record<string, unknown> {
  readonly plan?: true;
  readonly json?: true;
}

/** `gitlab-connector audit`: compares the table with GitLab. */
export function addAudit(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('audit')
      .summary('compare the table with what GitLab has, row by row')
      .description(
        'Compares the ids in the table with the ids that GitLab lists, for each configured project and each stream. Exit code 1 when a row is missing or out of date, or a project was never read. Only reads, and creates nothing.',
      )
      .option('--plan', 'only print how many requests the audit would take')
      .option('--json', 'print the result as JSON'),
  ).action(async ({ plan, json, ...flags }: AuditFlags) => {
    const config = gitlabConfigOf(flags, io);
    const options = { signal: io.signal };
    const code = await withRecord(config, async (open) => {
      const result = plan ? await planAuditOfRecord(open, config, options) : await auditRecord(open, config, options);
      if ('error' in result) return reportFailure(result, io);
      if (json) io.out.write(`${JSON.stringify(result, null, 2)}\n`);
      else {
        if (open === null) io.out.write(`The database has no connection for ${config.url} yet: run \`gitlab-connector sync\` first\n`);
        for (const entry of result.missing) io.out.write(`Not found, or out of sight for this token: ${printable(entry)}\n`);
        io.out.write('entries' in result ? auditText(result, widthOf(io.out)) : planText(result));
      }
      return 'entries' in result && isWrong(result) ? exitCodes.incomplete : exitCodes.ok;
    });
    end(code);
  });
}

const wrong: ReadonlySet<AuditEntry['result']> = new Set(['missing', 'stale', 'unread', 'failed']);
const isWrong = ({ entries, missing }: AuditReport): boolean => missing.length > 0 || entries.some(({ result }) => wrong.has(result));

const labelOf = (name: string): string => streams.find((stream) => stream.name === name)?.label ?? name;
const countOf = (rows: AuditRows | null) => String(rows?.count ?? '');

function auditText({ entries, requests }: AuditReport, width: number): string {
  const numbers = (head: string, of: (entry: AuditEntry) => string | number | null) => ({
    head,
    cells: entries.map((entry) => String(of(entry) ?? '')),
    isNumber: true,
  });
  const table = fittedTable(
    [
      { head: 'project', cells: entries.map(({ project }) => project) },
      { head: 'stream', cells: entries.map(({ stream }) => labelOf(stream)) },
      numbers('in GitLab', ({ inGitlab }) => inGitlab),
      numbers('in the table', ({ inTable }) => inTable),
      numbers('missing', ({ missing }) => countOf(missing)),
      numbers('stale', ({ stale }) => countOf(stale)),
      numbers('gone', ({ gone }) => countOf(gone)),
      numbers('gaps', ({ gaps }) => (gaps === 0 ? '' : gaps)),
      { head: 'since', cells: entries.map(({ since }) => since?.slice(0, 10) ?? '') },
      { head: 'result', cells: entries.map(({ result, reason }) => (reason ? `${result}: ${reason}` : result)), fit: 'wrap' },
    ],
    width,
  );
  const count = (result: AuditEntry['result']) => entries.filter((entry) => entry.result === result).length;
  const sums = [
    `${count('complete')} complete, ${count('missing')} with something missing, ${count('stale')} out of date, ${count('unread')} never read, ${count('failed')} failed, ${count('unknown')} unknown`,
    `The audit took ${requests.graphql} GraphQL requests. Nothing was written.`,
  ];
  return `${entries.length > 0 ? table : ''}${sums
    .flatMap((line) => wrap(line, width))
    .map((line) => `${line}\n`)
    .join('')}`;
}

function planText({ steps, requests, asked }: AuditPlan): string {
  const rows = steps.map((step) => [labelOf(step.stream), step.projects, step.rows, step.requests]);
  const table = steps.length > 0 ? tableOf({ head: ['stream', 'projects', 'rows', 'requests'], rows }) : '';
  return `${table}An audit takes about ${requests} GraphQL requests. The plan took ${asked}. Nothing was written.\n`;
}
