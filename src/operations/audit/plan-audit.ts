import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../../config/gitlab-config.ts';
import { pagesOf } from '../../streams/counts.ts';
import { streams } from '../../streams/index.ts';
import { withGitlabSession } from '../connect.ts';
import type { ConnectOptions, GitlabSession, SyncFailure } from '../connect.ts';
import type { ReadableRecord } from '../../store/reads.ts';
import { openRecord } from '../../store/store.ts';
import { countedRows, readTargets } from './targets.ts';

/** What an audit would read of one stream. */
export interface AuditStep {
  readonly stream: string;
  /** How many projects have this stream in a state that can be compared. */
  readonly projects: number;
  /** Rows to list, by GitLab's counts. */
  readonly rows: number;
  /** GraphQL requests to list these rows. */
  readonly requests: number;
}

/** How many requests an audit takes. */
export interface AuditPlan {
  readonly steps: readonly AuditStep[];
  /** All GraphQL requests: those of the steps, and those that find the projects and count the rows. */
  readonly requests: number;
  /** Entries of `repos` that name no project or group that this token may see. */
  readonly missing: readonly string[];
  /** Requests that planning sent. */
  readonly asked: number;
}

/**
 * Works out how many requests an audit would take, without listing any row. Sends about one request for every 50
 * projects, and writes nothing. When `em` or `connectionId` is null, every project counts as never read.
 *
 * Resolves to the plan, or to `{ error, code }` when it could not run.
 *
 * @throws Only for a bug of this package: every other failure is the value `{ error, code }`.
 * @example
 * const plan = await planAudit(em, config, connectionId);
 * if ('error' in plan) throw new Error(plan.error);
 * console.log(plan.requests);
 */
export async function planAudit(
  em: SqlEntityManager | null,
  config: GitlabConfig,
  connectionId: number | null,
  options: ConnectOptions = {},
): Promise<AuditPlan | SyncFailure> {
  return planAuditOfRecord(em && connectionId !== null ? () => openRecord(em, connectionId) : null, config, options);
}

/** As `planAudit`, with a record that may be in another process. Null = nothing is stored. */
export const planAuditOfRecord = (
  open: (() => Promise<ReadableRecord>) | null,
  config: GitlabConfig,
  options: ConnectOptions = {},
): Promise<AuditPlan | SyncFailure> => withGitlabSession({ config, options }, async (session) => plan(session, open ? await open() : null));

async function plan(session: GitlabSession, store: ReadableRecord | null): Promise<AuditPlan> {
  const { targets, missing } = await readTargets(session, store);
  const asked = session.gitlab.requests.graphql;
  const steps = streams.flatMap(({ name }): AuditStep[] => {
    const lists = targets.flatMap((target) => {
      const { stream, claim } = target;
      const rows = countedRows(target);
      if (stream.name !== name || !('after' in claim) || rows === null) return [];
      return [{ rows, requests: rows === 0 ? 0 : Math.max(claim.identities.lists(session.config.branches), pagesOf(rows)) }];
    });
    const sum = (of: (list: { readonly rows: number; readonly requests: number }) => number) =>
      lists.reduce((total, list) => total + of(list), 0);
    return lists.length === 0
      ? []
      : [{ stream: name, projects: lists.length, rows: sum(({ rows }) => rows), requests: sum(({ requests }) => requests) }];
  });
  return { steps, requests: asked + steps.reduce((total, { requests }) => total + requests, 0), missing, asked };
}
