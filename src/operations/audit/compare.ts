import { GraphqlError, InvalidResponseError, NotFoundError } from '../../errors.ts';
import type { StoredIdentity } from '../../store/events/read-identities.ts';
import type { Identity } from '../../streams/identities.ts';
import type { GitlabSession } from '../connect.ts';
import type { ReadableRecord } from '../../store/reads.ts';
import type { SpanClaim } from './claims.ts';
import { countedRows, sinceOf } from './targets.ts';
import type { Target } from './targets.ts';

/** Rows that an audit found. */
export interface AuditRows {
  readonly count: number;
  /** The event ids of the first 20 rows. */
  readonly first: readonly string[];
}

/** What comparing one stream of one project showed. */
export interface AuditEntry {
  readonly project: string;
  readonly stream: string;
  /**
   * `missing`: GitLab has rows that the table lacks; `stale`: the table has an older state of some rows; `unread`: never read;
   * `failed`: GitLab could not list the rows; `unknown`: the rows could not be compared. `reason` says why.
   */
  readonly result: 'complete' | 'missing' | 'stale' | 'unread' | 'failed' | 'unknown';
  /** Rows in GitLab that the token may see and that were read or should have been; null when they were not listed. */
  readonly inGitlab: number | null;
  /** Rows in the table, with rows that GitLab no longer has, without those known as deleted and without child pipelines. */
  readonly inTable: number | null;
  /** Rows from this moment on were compared (ISO 8601); null = all rows. */
  readonly since: string | null;
  /** Rows up to this moment, the stream's watermark, were compared (ISO 8601); null when nothing was compared. */
  readonly until: string | null;
  /** Rows of GitLab that the table lacks; null when nothing was compared. */
  readonly missing: AuditRows | null;
  /** Rows that changed in GitLab before `until`, and are older in the table; null where GitLab returns no time of change. */
  readonly stale: AuditRows | null;
  /** Rows of the table that GitLab no longer has, or no longer shows to this token. The table keeps these rows. */
  readonly gone: AuditRows | null;
  /** Rows that could not be read or stored, or not completely (table `gitlab_gaps`). */
  readonly gaps: number;
  /** When the oldest missing row was created (ISO 8601). */
  readonly missingSince?: string;
  /** One line. Present for every result but `complete`; with `complete` when something is to be said, such as rows that are gone. */
  readonly reason?: string;
}

/** Compares one stream of a project with the table, row by row. Throws when GitLab or the database cannot be reached. */
/** A GitLab, and what is stored of it. */
export interface AuditEnds extends GitlabSession {
  readonly store: ReadableRecord;
}

export async function auditTarget(ends: AuditEnds | null, target: Target): Promise<AuditEntry> {
  const { claim, counts, project, stream } = target;
  const gaps = target.gaps;
  const entry = { project: project.fullPath, stream: stream.name, gaps, ...nothing };
  if (!counts) return { ...entry, result: 'unknown', reason: 'GitLab does not return the project any more' };
  if (!('after' in claim)) return { ...entry, result: claim.isUnread ? 'unread' : 'unknown', reason: claim.reason };
  const counted = countedRows(target);
  if (!ends || counted === null) return { ...entry, result: 'unknown', reason: 'this token may not read it' };
  try {
    return { ...entry, ...(await compare(ends, { ...target, claim }, counted)) };
  } catch (error) {
    // GitLab could not answer this list. The other lists are still compared.
    if (error instanceof GraphqlError || error instanceof NotFoundError || error instanceof InvalidResponseError)
      return { ...entry, result: 'failed', reason: error.message };
    throw error;
  }
}

const nothing = { inGitlab: null, inTable: null, since: null, until: null, missing: null, stale: null, gone: null };

type Compared = Omit<AuditEntry, 'project' | 'stream' | 'gaps'>;

async function compare(
  { gitlab, store, config: { branches } }: AuditEnds,
  { project, stream, claim }: Target & { readonly claim: SpanClaim },
  counted: number,
): Promise<Compared> {
  // The table is read first: a row that GitLab creates afterwards is later than the watermark, and is not compared.
  const stored = new Map((await store.readIdentities(project.id, stream.name)).map((row) => [row.eventId, row]));
  const listed = new Set<string>();
  const missing = new Map<string, Date | null>();
  const stale = new Set<string>();
  const pages = counted === 0 ? [] : claim.identities.pages({ gitlab, project, branches, since: sinceOf(claim) });
  for await (const page of pages) {
    for (const identity of page) {
      listed.add(identity.eventId);
      const row = stored.get(identity.eventId);
      if (!row && isClaimed(claim, identity)) missing.set(identity.eventId, identity.createdAt);
      if (row && isOlder(claim, row, identity)) stale.add(identity.eventId);
    }
  }
  const gone = [...stored.values()].filter((row) => !listed.has(row.eventId) && isInSpan(claim, row, branches));
  const present = [...listed].filter((eventId) => stored.has(eventId)).length;
  const hasChangeTimes = claim.identities.depthBy === 'changed';
  return {
    ...judge({ claim, missing, stale, gone: gone.length, hidden: Math.max(0, counted - listed.size) }),
    inGitlab: present + missing.size,
    inTable: present + gone.length,
    since: sinceOf(claim)?.toISOString() ?? null,
    until: claim.before.toISOString(),
    missing: rowsOf([...missing.keys()]),
    stale: hasChangeTimes ? rowsOf([...stale]) : null,
    gone: rowsOf(gone.map(({ eventId }) => eventId)),
  };
}

/** Whether the claim covers a row of GitLab. A row that was created before the span and changed after the span is not read yet. */
function isClaimed({ after, before, identities: { depthBy } }: SpanClaim, { createdAt, changedAt }: Identity): boolean {
  const created = createdAt ?? changedAt;
  if (!created) return sinceOf({ after }) === null;
  if (created >= before) return false;
  return created >= after || (depthBy === 'changed' && changedAt !== null && changedAt < before);
}

/** Whether a row changed in GitLab after the stored state, and before the end of the claimed span. */
const isOlder = ({ before }: SpanClaim, { timestamp }: StoredIdentity, { changedAt }: Identity): boolean =>
  changedAt !== null && changedAt > timestamp && changedAt < before;

/** Whether a stored row is in the span that GitLab was asked to list. */
function isInSpan({ after, identities }: SpanClaim, row: StoredIdentity, branches: readonly string[]): boolean {
  if (branches.length > 0 && row.branch !== null && !branches.includes(row.branch)) return false;
  const moment = identities.depthBy === 'changed' ? row.timestamp : row.createdAt;
  return moment === null ? sinceOf({ after }) === null : moment >= after;
}

const firstRows = 20;
const rowsOf = (eventIds: readonly string[]): AuditRows => ({ count: eventIds.length, first: eventIds.slice(0, firstRows) });

interface Found {
  readonly claim: SpanClaim;
  readonly missing: ReadonlyMap<string, Date | null>;
  readonly stale: ReadonlySet<string>;
  readonly gone: number;
  /** How many rows GitLab counts but does not list. */
  readonly hidden: number;
}

function judge({ claim, missing, stale, gone, hidden }: Found): Pick<AuditEntry, 'result' | 'reason' | 'missingSince'> {
  const moments = [...missing.values()].flatMap((createdAt) => createdAt?.getTime() ?? []);
  const missingSince = moments.length > 0 ? new Date(moments.reduce((a, b) => Math.min(a, b))).toISOString() : undefined;
  const since = missingSince === undefined ? '' : `, since ${missingSince.slice(0, 16)}Z`;
  const reasons = [
    missing.size > 0 ? `${missing.size} missing${since} (${someOf([...missing.keys()])})` : null,
    stale.size > 0 ? `${stale.size} older than in GitLab (${someOf([...stale])})` : null,
    gone > 0 ? `GitLab no longer shows ${gone} of the table's rows` : null,
    hidden > 0 ? `GitLab counts ${hidden} more that it hides from this token` : null,
    claim.doubt,
  ].filter((reason) => reason !== null);
  const isDoubtful = hidden > 0 || claim.doubt !== null;
  const result = missing.size > 0 ? 'missing' : stale.size > 0 ? 'stale' : isDoubtful ? 'unknown' : 'complete';
  return {
    result,
    ...(missingSince === undefined ? {} : { missingSince }),
    ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}),
  };
}

const named = 3;
const someOf = (eventIds: readonly string[]): string => eventIds.slice(0, named).join(', ') + (eventIds.length > named ? ', …' : '');
