import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { countColumns } from '../../store/events/count-columns.ts';
import type { TimelineCount } from '../../store/events/count-columns.ts';
import { readSpans } from '../../store/events/read-event.ts';
import type { Span } from '../../store/events/read-event.ts';
import { readEnvironments } from '../../store/events/read-environments.ts';
import type { Environments, PlacedProject } from '../../store/events/read-environments.ts';
import { readEvents } from '../../store/events/read-events.ts';
import { readTimeline } from '../../store/events/read-timeline.ts';
import type { TimelineChange } from '../../store/events/read-timeline.ts';
import { readCoverage } from '../../store/progress/read-coverage.ts';
import type { CoverageEntry } from '../../store/progress/read-coverage.ts';
import { readCommitDates } from '../../timeline/commit-dates.ts';
import type { CommitDates } from '../../timeline/fold-commits.ts';
import { hasFilter, timelineQuery } from './query.ts';
import type { PageQuery } from './query.ts';

/** The database and the connections that the poller serves. */
export interface Served {
  readonly em: SqlEntityManager;
  /** URL of the GitLab by id of the connection; undefined when its config cannot be used. */
  readonly urls: ReadonlyMap<number, string | undefined>;
}

/** What the page shows for a query. */
export interface Answer {
  readonly query: PageQuery;
  readonly now: Date;
  readonly urls: Served['urls'];
  /** One page of changes, the oldest first. */
  readonly changes: readonly TimelineChange[];
  /** The place of the next page; null at the end. */
  readonly next: string | null;
  /** How many changes there are on all pages. */
  readonly total: number;
  /** How many changes the window has without the filter. Null when that was not counted. */
  readonly unfiltered: number | null;
  readonly counts: readonly TimelineCount[];
  /** When the commits in `changes` were made. */
  readonly commitDates: CommitDates;
  /** Of the pipelines in `changes`, by `spanKey`. */
  readonly spans: ReadonlyMap<string, Span>;
  /** What ran where. Null when the filter leaves deployments out. */
  readonly environments: ShownEnvironments | null;
  /** Of the projects that the filter selects. */
  readonly coverage: readonly CoverageEntry[];
  /** Paths of all projects that are read. */
  readonly projects: readonly string[];
}

/** Environments of the projects of a query. */
export interface ShownEnvironments extends Environments {
  /** How many of the projects were not looked at. */
  readonly unseenProjects: number;
}

/** How many changes one page shows. */
export const pageSize = 500;
/** Into how many columns a window is cut where there are too many changes to draw each. */
export const columnCount = 48;

/** The environments that have a lane, */
const mostEnvironments = 8;
/** the deployments that are drawn in one, */
const mostDeployments = 60;
/** and the projects whose environments are looked at: those with the most changes. */
const mostProjects = 20;

/** Identifies an event among those of all connections. */
export const spanKey = ({ connectionId, eventId }: Pick<TimelineChange, 'connectionId' | 'eventId'>): string =>
  `${connectionId} ${eventId}`;

/** Reads what the page shows. Throws DatabaseError. */
export async function readAnswer({ em, urls }: Served, query: PageQuery, now: Date): Promise<Answer> {
  const connectionIds = [...urls.keys()];
  const asked = timelineQuery(query, connectionIds);
  const [counts, everything, { changes, next }] = await Promise.all([
    countColumns(em, { ...asked, after: undefined }, columnCount),
    readCoverage(em, { connectionIds: asked.connectionIds }),
    readTimeline(em, { ...asked, limit: pageSize }),
  ]);
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const isNarrow = total === 0 && hasFilter(query);
  const unfilteredQuery = { ...asked, projects: [], types: [], authors: [], statuses: [], text: '', after: undefined };
  const coverage =
    query.projects.length === 0 ? everything : await readCoverage(em, { connectionIds: asked.connectionIds, projects: query.projects });
  const [unfiltered, spans, commitDates, environments] = await Promise.all([
    isNarrow ? countColumns(em, unfilteredQuery, 1) : null,
    spansOf(em, changes),
    readCommitDates((filter) => readEvents(em, filter), changes),
    query.types.length > 0 && !query.types.includes('deployment') ? null : environmentsOf(em, query, { coverage, counts }),
  ]);
  return {
    query,
    now,
    urls,
    changes,
    next,
    total,
    unfiltered: unfiltered?.reduce((sum, { count }) => sum + count, 0) ?? null,
    counts,
    spans,
    commitDates,
    environments,
    coverage,
    projects: [...new Set(everything.map(({ project }) => project))],
  };
}

async function spansOf(em: SqlEntityManager, changes: readonly TimelineChange[]): Promise<ReadonlyMap<string, Span>> {
  const pipelines = changes.filter(({ stream }) => stream === 'pipelines');
  const spans: Span[] = [];
  for (const connectionId of new Set(pipelines.map((change) => change.connectionId))) {
    const eventIds = [...new Set(pipelines.filter((change) => change.connectionId === connectionId).map(({ eventId }) => eventId))];
    spans.push(...(await readSpans(em, { connectionId, eventIds })));
  }
  return new Map(spans.map((span) => [spanKey(span), span]));
}

async function environmentsOf(
  em: SqlEntityManager,
  { from, to }: PageQuery,
  { coverage, counts }: Pick<Answer, 'coverage' | 'counts'>,
): Promise<ShownEnvironments> {
  const totals = new Map<string, number>();
  for (const { project, count } of counts) totals.set(project ?? '', (totals.get(project ?? '') ?? 0) + count);
  const total = ({ project }: PlacedProject) => totals.get(project) ?? 0;
  const all = coverage.filter(({ stream }) => stream === 'deployments').toSorted((a, b) => total(b) - total(a));
  const projects = all.slice(0, mostProjects).map(({ connectionId, project }) => ({ connectionId, project }));
  const found = await readEnvironments(em, { projects, from, to, limit: mostEnvironments, deployments: mostDeployments });
  return { ...found, unseenProjects: all.length - projects.length };
}
