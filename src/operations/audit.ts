import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../config/gitlab-config.ts';
import { withGitlabAndStore } from './connect.ts';
import type { GitlabAndStore, ConnectOptions, SyncFailure } from './connect.ts';
import { readCounts } from '../gitlab/counts.ts';
import type { ProjectCounts, TimeWindow } from '../gitlab/counts.ts';
import { chunks, isSelected, statesByProject, walkKey } from '../pass/pass-state.ts';
import type { ProjectStates } from '../pass/pass-state.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { WalkState } from '../walk-state.ts';
import type { KnownProject } from '../store/store.ts';

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
 * stream claims to be read: from its depth to its watermark. Commits and images have no count in GitLab.
 * Reads nothing else and changes nothing. Resolves to `{ error }` when it could not run.
 */
export async function auditGitlab(
  em: SqlEntityManager,
  config: GitlabConfig,
  connectionId: number,
  options: ConnectOptions = {},
): Promise<AuditReport | SyncFailure> {
  return withGitlabAndStore({ em, config, connectionId, options }, async (ends) => {
    const [projects, states] = await Promise.all([ends.store.readProjects(), ends.store.readStates()]);
    const byProject = statesByProject(states);
    const audited = projects.filter(isSelected).map((project) => claimOf(project, byProject.get(project.id)));
    const entries: AuditEntry[] = [];
    for (const group of groupsOf(audited)) entries.push(...(await auditGroup(ends, group)));
    return { entries: entries.toSorted((a, b) => a.project.localeCompare(b.project, 'en')), requests: { ...ends.gitlab.requests } };
  });
}

/** What the table claims to hold of a project. */
interface Claim {
  readonly project: KnownProject;
  readonly mergeRequests: StreamClaim;
  readonly pipelines: StreamClaim;
  readonly releases: StreamClaim;
}

type StreamClaim = { readonly after: Date; readonly before: Date } | { readonly reason: string };

function claimOf(project: KnownProject, states: ProjectStates | undefined): Claim {
  const of = (stream: string) => streamClaim(states?.get(walkKey(stream, '')));
  // Of merge requests of the second that the depth lies in, some may be older.
  const mergeRequests = of('merge-requests');
  const isCut = 'after' in mergeRequests && mergeRequests.after > beginningOfTime;
  return {
    project,
    mergeRequests: isCut ? { ...mergeRequests, after: new Date(mergeRequests.after.getTime() + 1000) } : mergeRequests,
    pipelines: of('pipelines'),
    releases: of('releases'),
  };
}

function streamClaim(state: WalkState | undefined): StreamClaim {
  if (!state) return { reason: 'not read yet' };
  if (state.outcome !== 'ok') return { reason: state.error ?? state.outcome };
  if (!state.depth || !state.watermark) return { reason: 'the first reading goes on' };
  return { after: state.depth, before: state.watermark };
}

/** Projects whose windows begin at the same moments are asked for together. */
function groupsOf(claims: readonly Claim[]): Claim[][] {
  const groups = new Map<string, Claim[]>();
  const from = (claim: StreamClaim) => ('after' in claim ? claim.after.toISOString() : '');
  for (const claim of claims) {
    const key = `${from(claim.mergeRequests)} ${from(claim.pipelines)}`;
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

/** What GitLab has no count of. */
const uncounted = {
  commits: 'GitLab has no count of the commits of a branch',
  'registry-images': 'GitLab counts the tags of now, not the images that they pointed to',
};

async function auditGroup(ends: GitlabAndStore, group: readonly Claim[]): Promise<AuditEntry[]> {
  const { gitlab, config } = ends;
  const created = windowOf(group.map(({ mergeRequests }) => mergeRequests));
  const updated = windowOf(group.map(({ pipelines }) => pipelines));
  const ids = group.map(({ project }) => project.id);
  const counts = await readCounts(gitlab.graphql, { ids, created, updated, branches: config.branches });
  const entries = group.map(async (claim) => {
    const found = counts.find(({ id }) => id === claim.project.id);
    if (!found) return [unknown(claim.project, 'merge-requests', 'GitLab does not return the project any more')];
    return Promise.all([
      auditWindow(ends, claim, { stream: 'merge-requests', count: 'mergeRequests', window: created, found }),
      auditWindow(ends, claim, { stream: 'pipelines', count: 'pipelines', window: updated, found }),
      auditReleases(ends, claim, found),
      ...Object.entries(uncounted).map(([stream, reason]) => Promise.resolve(unknown(claim.project, stream, reason))),
    ]);
  });
  return (await Promise.all(entries)).flat();
}

const unknown = ({ fullPath }: KnownProject, stream: string, reason: string): AuditEntry => ({
  project: fullPath,
  stream,
  result: 'unknown',
  inGitlab: null,
  inTable: null,
  since: null,
  reason,
});

interface WindowAudit {
  readonly stream: string;
  readonly count: 'mergeRequests' | 'pipelines';
  readonly window: TimeWindow;
  readonly found: ProjectCounts;
}

async function auditWindow(ends: GitlabAndStore, claim: Claim, { stream, count, window, found }: WindowAudit): Promise<AuditEntry> {
  const { project } = claim;
  const claimed = claim[count];
  if ('reason' in claimed) return unknown(project, stream, claimed.reason);
  const inGitlab = found[count];
  if (inGitlab === null) return unknown(project, stream, 'out of sight for this token');
  const storedIn = ({ after, before }: TimeWindow) =>
    ends.store.countEvents({
      projectId: project.id,
      stream,
      by: count === 'mergeRequests' ? 'created' : 'timestamp',
      after: after ?? null,
      before: before ?? null,
      branches: ends.config.branches,
    });
  const inTable = await storedIn(window);
  const entry = { project: project.fullPath, stream, inGitlab, inTable, since: window.after?.toISOString() ?? null };
  if (inTable >= inGitlab) return { ...entry, result: 'complete' };
  const missingIn = async (part: TimeWindow) => {
    const query = { ids: [project.id], created: part, updated: part, branches: ends.config.branches };
    const [counts] = await readCounts(ends.gitlab.graphql, query);
    return (counts?.[count] ?? 0) - (await storedIn(part));
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

async function auditReleases(
  { store }: GitlabAndStore,
  { project, releases }: Claim,
  { releases: inGitlab }: ProjectCounts,
): Promise<AuditEntry> {
  const stream = 'releases';
  if ('reason' in releases) return unknown(project, stream, releases.reason);
  const inTable = await store.countEvents({ projectId: project.id, stream, by: 'created', after: null, before: null, branches: [] });
  const entry = { project: project.fullPath, stream, inGitlab, inTable, since: null };
  if (inTable >= inGitlab) return { ...entry, result: 'complete' };
  const isCut = releases.after > beginningOfTime;
  const depth = releases.after.toISOString();
  if (isCut) return { ...entry, result: 'unknown', reason: `only those since ${depth.slice(0, 10)} were asked for, and GitLab counts all` };
  return { ...entry, result: 'missing', reason: `${inGitlab - inTable} missing, or created since the last pass` };
}
