import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../config/gitlab-config.ts';
import { readCounts } from '../gitlab/counts.ts';
import type { ProjectCounts, TimeWindow } from '../gitlab/counts.ts';
import { chunks, isSelected, statesByProject, walkKey } from '../pass/pass-state.ts';
import type { ProjectStates } from '../pass/pass-state.ts';
import type { KnownProject } from '../store/store.ts';
import { allFilters, isWindowCounted } from '../streams/counts.ts';
import type { WindowCount } from '../streams/counts.ts';
import { streams } from '../streams/index.ts';
import type { Stream } from '../streams/stream.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { WalkState } from '../walk-state.ts';
import { withGitlabAndStore } from './connect.ts';
import type { ConnectOptions, GitlabAndStore, SyncFailure } from './connect.ts';

/** What comparing one stream of one project showed. */
export interface AuditEntry {
  readonly project: string;
  readonly stream: string;
  /** `unknown`: it cannot be told, `reason` says why. */
  readonly result: 'complete' | 'missing' | 'unknown';
  /** Rows in GitLab, those included that the token may not see; null when they were not counted. */
  readonly inGitlab: number | null;
  /** Rows in the table; more than GitLab has where something was deleted there. */
  readonly inTable: number | null;
  /** From when on was compared (ISO 8601); null = everything. */
  readonly since: string | null;
  /** When the first missing row was created, or changed last, to the hour (ISO 8601). */
  readonly missingSince?: string;
  /** One line, for everything but `complete`. */
  readonly reason?: string;
}

/** Result of an audit: every project and stream, the incomplete ones included. */
export interface AuditReport {
  readonly entries: readonly AuditEntry[];
  readonly requests: { readonly graphql: number; readonly rest: number };
}

/** GitLab answers counts of so many projects at once; more would be no page of projects any more. */
const projectsPerRequest = 50;
const hourMs = 60 * 60_000;

/**
 * Asks GitLab how many merge requests, pipelines and releases there are, and compares with the table, as far as each
 * stream claims to be read: from its depth to its watermark. Commits and images have no count in GitLab: their result is
 * `unknown`. Reads counts only, and writes nothing.
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
  em: SqlEntityManager,
  config: GitlabConfig,
  connectionId: number,
  options: ConnectOptions = {},
): Promise<AuditReport | SyncFailure> {
  return withGitlabAndStore({ em, config, connectionId, options }, async (ends) => {
    const [projects, states] = await Promise.all([ends.store.readProjects(), ends.store.readStates()]);
    const byProject = statesByProject(states, ends.config.branches);
    const claims = projects.filter(isSelected).map((project) => claimOf(project, byProject.get(project.id)));
    const entries: AuditEntry[] = [];
    for (const group of groupsOf(claims)) entries.push(...(await auditGroup(ends, group)));
    return { entries: entries.toSorted((a, b) => a.project.localeCompare(b.project, 'en')), requests: { ...ends.gitlab.requests } };
  });
}

/** What the table claims to hold of a project. */
interface Claim {
  readonly project: KnownProject;
  readonly of: (stream: Stream) => StreamClaim;
}

/** A span in which every row is stored, or why there is none. */
type StreamClaim = { readonly after: Date; readonly before: Date } | { readonly reason: string };

const claimOf = (project: KnownProject, states: ProjectStates | undefined): Claim => ({
  project,
  of: (stream) => streamClaim(stream, states?.get(walkKey(stream.name, ''))),
});

function streamClaim({ count }: Stream, state: WalkState | undefined): StreamClaim {
  if (!state) return { reason: 'not read yet' };
  if (state.outcome !== 'ok') return { reason: state.error ?? state.outcome };
  if (!state.depth || !state.watermark) return { reason: 'the first reading goes on' };
  return { after: count.kind === 'window' ? count.completeFrom(state.depth) : state.depth, before: state.watermark };
}

const windowStreams = streams.filter(isWindowCounted);

/** Projects whose windows begin at the same moments are asked for together. */
function groupsOf(claims: readonly Claim[]): Claim[][] {
  const groups = new Map<string, Claim[]>();
  const from = (claim: StreamClaim) => ('after' in claim ? claim.after.toISOString() : '');
  for (const claim of claims) {
    const key = windowStreams.map((stream) => from(claim.of(stream))).join(' ');
    groups.set(key, [...(groups.get(key) ?? []), claim]);
  }
  return [...groups.values()].flatMap((group) => chunks(group, projectsPerRequest));
}

/** The span in which all of them claim to be complete. */
function windowOf(claims: readonly StreamClaim[]): TimeWindow {
  const known = claims.filter((claim) => 'after' in claim);
  const [first] = known;
  if (!first) return {};
  return {
    ...(first.after > beginningOfTime ? { after: first.after } : {}),
    before: new Date(Math.min(...known.map(({ before }) => before.getTime()))),
  };
}

async function auditGroup(ends: GitlabAndStore, group: readonly Claim[]): Promise<AuditEntry[]> {
  const { gitlab, config } = ends;
  const windows = new Map(windowStreams.map((stream) => [stream.name, windowOf(group.map((claim) => claim.of(stream)))]));
  const filters = windowStreams.map(({ name, count }) => count.within(windows.get(name) ?? {}));
  const ids = group.map(({ project }) => project.id);
  const projects = await readCounts(gitlab.graphql, { ids, updated: {}, branches: config.branches, ...allFilters(filters) });
  const entries = group.flatMap(({ project, of }) => {
    const counts = projects.find(({ id }) => id === project.id);
    return streams.map((stream) =>
      auditStream(ends, { project, stream, claim: of(stream), counts, window: windows.get(stream.name) ?? {} }),
    );
  });
  return Promise.all(entries);
}

/** One stream of one project, with GitLab's counts of the project: undefined when GitLab does not return it. */
interface StreamAudit {
  readonly project: KnownProject;
  readonly stream: Stream;
  readonly claim: StreamClaim;
  readonly counts: ProjectCounts | undefined;
  readonly window: TimeWindow;
}

async function auditStream(ends: GitlabAndStore, audit: StreamAudit): Promise<AuditEntry> {
  const { stream, claim, counts } = audit;
  const { count } = stream;
  if (!counts) return unknown(audit, 'GitLab does not return the project any more');
  if (count.kind === 'none') return unknown(audit, count.reason);
  if ('reason' in claim) return unknown(audit, claim.reason);
  const inGitlab = count.rowsIn(counts);
  if (inGitlab === null) return unknown(audit, 'out of sight for this token');
  if (count.kind === 'total') return auditTotal(ends, audit, { depth: claim.after, inGitlab });
  return auditWindow(ends, audit, { count, inGitlab });
}

const unknown = ({ project, stream }: StreamAudit, reason: string): AuditEntry => ({
  project: project.fullPath,
  stream: stream.name,
  result: 'unknown',
  inGitlab: null,
  inTable: null,
  since: null,
  reason,
});

async function auditWindow(
  { gitlab, store, config: { branches } }: GitlabAndStore,
  { project, stream: { name }, window }: StreamAudit,
  { count, inGitlab }: { readonly count: WindowCount; readonly inGitlab: number },
): Promise<AuditEntry> {
  const storedIn = ({ after, before }: TimeWindow) =>
    store.countEvents({ projectId: project.id, stream: name, by: count.by, after: after ?? null, before: before ?? null, branches });
  const inTable = await storedIn(window);
  const entry = { project: project.fullPath, stream: name, inGitlab, inTable, since: window.after?.toISOString() ?? null };
  if (inTable >= inGitlab) return { ...entry, result: 'complete' };
  const missingIn = async (part: TimeWindow) => {
    const [counts] = await readCounts(gitlab.graphql, { ids: [project.id], updated: {}, branches, ...count.within(part) });
    return ((counts && count.rowsIn(counts)) ?? 0) - (await storedIn(part));
  };
  const missingSince = await firstMissing(window, missingIn);
  const reason = `${inGitlab - inTable} missing, since ${missingSince.toISOString().slice(0, 16)}Z; rows that GitLab hides from this token count as well`;
  return { ...entry, result: 'missing', missingSince: missingSince.toISOString(), reason };
}

/** Halves the span until the first missing row is known to the hour. */
async function firstMissing({ after, before }: TimeWindow, missingIn: (window: TimeWindow) => Promise<number>): Promise<Date> {
  let [from, to] = [after?.getTime() ?? gitlabBegan, before?.getTime() ?? gitlabBegan];
  while (to - from > hourMs) {
    const middle = Math.floor((from + to) / 2);
    const isEarlier = (await missingIn({ ...(after ? { after } : {}), before: new Date(middle) })) > 0;
    if (isEarlier) to = middle;
    else from = middle;
  }
  return new Date(from);
}

/** Nothing in a GitLab is older than GitLab. */
const gitlabBegan = Date.UTC(2011, 9, 1);

/** GitLab counts all rows of the stream, so a table that was filled down to a depth only cannot be compared. */
async function auditTotal(
  { store }: GitlabAndStore,
  { project, stream: { name } }: StreamAudit,
  { depth, inGitlab }: { readonly depth: Date; readonly inGitlab: number },
): Promise<AuditEntry> {
  const inTable = await store.countEvents({ projectId: project.id, stream: name, by: 'created', after: null, before: null, branches: [] });
  const entry = { project: project.fullPath, stream: name, inGitlab, inTable, since: null };
  if (inTable >= inGitlab) return { ...entry, result: 'complete' };
  if (depth > beginningOfTime) {
    const reason = `only those since ${depth.toISOString().slice(0, 10)} were asked for, and GitLab counts all`;
    return { ...entry, result: 'unknown', reason };
  }
  return { ...entry, result: 'missing', reason: `${inGitlab - inTable} missing, or created since the last pass` };
}
