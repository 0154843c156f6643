import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../../config/gitlab-config.ts';
import { chunks, everyOne } from '../../pass/pass-state.ts';
import { openRecord } from '../../store/store.ts';
import type { ReadableRecord } from '../../store/reads.ts';
import { withGitlabSession } from '../connect.ts';
import type { ConnectOptions, GitlabSession, SyncFailure } from '../connect.ts';
import { auditTarget } from './compare.ts';
import type { AuditEnds } from './compare.ts';
import type { AuditEntry } from './compare.ts';
import { readTargets } from './targets.ts';

/** Result of an audit: every configured project and every stream, the incomplete ones included. */
export interface AuditReport {
  readonly entries: readonly AuditEntry[];
  /** Entries of `repos` that name no project or group that this token may see. */
  readonly missing: readonly string[];
  readonly requests: { readonly graphql: number; readonly rest: number };
}

/**
 * Lists the ids of the merge requests, pipelines and releases that GitLab has of each configured project, and compares
 * them with the table one by one, as far as each stream claims to be read: from its depth to its watermark. Commits and
 * images cannot be listed in this way: their result is `unknown`. Writes nothing. `planAudit` says how many requests this
 * takes. When `em` or `connectionId` is null, nothing is stored: every project is `unread`.
 *
 * Resolves to the report, or to `{ error, code }` when it could not run.
 *
 * @throws Only for a bug of this package: every other failure is the value `{ error, code }`.
 * @example
 * const report = await auditGitlab(em, config, connectionId);
 * if ('error' in report) throw new Error(report.error);
 * const missing = report.entries.filter(({ result }) => result === 'missing');
 */
export async function auditGitlab(
  em: SqlEntityManager | null,
  config: GitlabConfig,
  connectionId: number | null,
  options: ConnectOptions = {},
): Promise<AuditReport | SyncFailure> {
  return auditRecord(em && connectionId !== null ? () => openRecord(em, connectionId) : null, config, options);
}

/** As `auditGitlab`, with a record that may be in another process. Null = nothing is stored. */
export const auditRecord = (
  open: (() => Promise<ReadableRecord>) | null,
  config: GitlabConfig,
  options: ConnectOptions = {},
): Promise<AuditReport | SyncFailure> =>
  withGitlabSession({ config, options }, async (session) => audit(session, open ? { ...session, store: await open() } : null));

async function audit(session: GitlabSession, ends: AuditEnds | null): Promise<AuditReport> {
  const { targets, missing } = await readTargets(session, ends?.store ?? null);
  const entries: AuditEntry[] = [];
  // Each target holds the ids of its rows in memory.
  for (const some of chunks(targets, session.config.concurrency))
    entries.push(...(await everyOne(some.map((target) => auditTarget(ends, target)))));
  return { entries, missing, requests: { ...session.gitlab.requests } };
}
