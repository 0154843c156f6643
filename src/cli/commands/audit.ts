import type { Command } from 'commander';
import { auditGitlab } from '../../operations/audit.ts';
import type { AuditEntry } from '../../operations/audit.ts';
import { ensureConnection } from '../../store/connections.ts';
import { streams } from '../../streams/index.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { jsonText } from '../json-text.ts';
import { addSettings, gitlabConfigOf } from '../settings.ts';
import { tableOf } from '../table.ts';
import { withDatabase } from '../with-database.ts';
import { reportFailure } from './sync.ts';

/** `gitlab-connector audit`: compares the table with GitLab's counts. */
export function addAudit(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('audit')
      .summary("compare the table with GitLab's counts")
      .description(
        "Compares the table with GitLab's counts, project by project and stream by stream. Ends with 1 when something is missing.",
      )
      .option('--json', 'print the result as JSON'),
  ).action(async ({ json, ...flags }: { json?: true } & Record<string, unknown>) => {
    const config = gitlabConfigOf(flags, io);
    end(
      await withDatabase(config, async (database) => {
        const { em } = database;
        await database.migrate();
        const result = await auditGitlab(em, config, await ensureConnection(em, config), { signal: io.signal });
        if ('error' in result) return reportFailure(result, io);
        io.out.write(json ? jsonText(result) : auditTable(result.entries));
        return result.entries.some((entry) => entry.result === 'missing') ? exitCodes.incomplete : exitCodes.ok;
      }),
    );
  });
}

function auditTable(entries: readonly AuditEntry[]): string {
  if (entries.length === 0) return 'No projects yet: run `gitlab-connector sync` first\n';
  const rows = entries.map(({ project, stream, result, inGitlab, inTable, since, reason }) => [
    project,
    streams.find(({ name }) => name === stream)?.label ?? stream,
    inGitlab ?? '',
    inTable ?? '',
    since?.slice(0, 10) ?? '',
    reason ? `${result}: ${reason}` : result,
  ]);
  const count = (result: AuditEntry['result']) => entries.filter((entry) => entry.result === result).length;
  const sums = `${count('complete')} complete, ${count('missing')} missing, ${count('unknown')} unknown\n`;
  return `${tableOf({ head: ['project', 'stream', 'in GitLab', 'in the table', 'since', 'result'], rows })}${sums}`;
}
