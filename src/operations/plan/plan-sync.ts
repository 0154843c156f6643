import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../../config/gitlab-config.ts';
import { withGitlabSession } from '../connect.ts';
import type { ConnectOptions, GitlabSession, SyncFailure } from '../connect.ts';
import { batchSizes } from '../../gitlab/batch.ts';
import { readCost } from '../../gitlab/cost.ts';
import type { Cost, CostQuery } from '../../gitlab/cost.ts';
import { optionsOf } from '../../pass/pass.ts';
import { listsOf, statesByProject } from '../../pass/pass-state.ts';
import { listPageSize } from '../../pass/selection.ts';
import type { ReadableRecord } from '../../store/reads.ts';
import { openRecord } from '../../store/store.ts';
import { countedFor } from './count-rows.ts';
import type { Counted } from './count-rows.ts';
import { createGaps } from '../../pass/gaps.ts';
import { selectStreams } from '../../streams/selected.ts';
import { measured, secondsOf } from './measure.ts';
import type { Measure } from './measure.ts';
import { selectedBy } from './select-batches.ts';
import type { PlannedPass, Selected } from './select-batches.ts';
import { stepsOf, uncountedOf } from './steps.ts';
import type { PlanStep } from './steps.ts';

/** What the next pass would do. */
export interface SyncPlan {
  readonly projects: {
    /** Projects that were read before. */
    readonly known: number;
    readonly fresh: number;
    /** Entries of `repos` that name no project or group that this token may see. */
    readonly missing: readonly string[];
  };
  readonly steps: readonly PlanStep[];
  /** Merge requests, pipelines and releases to read; an estimate. */
  readonly rows: number;
  /** Labels of what GitLab does not count, such as `commits`. Not included in `rows`. */
  readonly uncounted: readonly string[];
  /** All requests. `graphql` is an estimate; `rest` is the least number. */
  readonly requests: { readonly graphql: number; readonly rest: number };
  /** The complexity of the batches, as GitLab reports it. */
  readonly complexity: readonly PlannedCost[];
  /** The least duration in seconds: the requests at the concurrency and the round-trip time, within the limit. */
  readonly seconds: number;
  readonly measure: Measure & { readonly concurrency: number };
  /** Requests that planning sent. */
  readonly asked: { readonly graphql: number; readonly rest: number };
}

/** The complexity of one kind of batch. */
export interface PlannedCost extends Cost {
  readonly ask: 'changes' | 'newest' | 'reconcile';
  /** How many projects the request asks for. */
  readonly projects: number;
}

/** Options of a plan. */
export interface PlanOptions extends ConnectOptions {
  /** Plan a pass with this `backfillTo`. Absent: no backfill is planned. */
  readonly backfillTo?: Date;
}

/**
 * Works out what the next pass would do, without doing it. Sends about one request for every 50 projects, and writes
 * nothing. When `em` or `connectionId` is null, every project counts as new.
 *
 * Resolves to the plan, or to `{ error, code }` when it could not run.
 *
 * @throws Only for a bug of this package: every other failure is the value `{ error, code }`.
 * @example
 * const plan = await planSync(em, { token }, connectionId);
 * if ('error' in plan) throw new Error(plan.error);
 * console.log(plan.requests.graphql, plan.seconds);
 */
export async function planSync(
  em: SqlEntityManager | null,
  config: GitlabConfig,
  connectionId: number | null,
  options: PlanOptions = {},
): Promise<SyncPlan | SyncFailure> {
  return planSyncOfRecord(em && connectionId !== null ? () => openRecord(em, connectionId) : null, config, options);
}

/** As `planSync`, with a record that may be in another process. Null = nothing is stored. */
export const planSyncOfRecord = (
  open: (() => Promise<ReadableRecord>) | null,
  config: GitlabConfig,
  options: PlanOptions = {},
): Promise<SyncPlan | SyncFailure> =>
  withGitlabSession({ config, options }, async (session) => plan(session, open ? await open() : null, options));

async function plan(
  { config, gitlab: unmeasured }: GitlabSession,
  store: ReadableRecord | null,
  { backfillTo }: PlanOptions,
): Promise<SyncPlan> {
  const { gitlab, measure } = measured(unmeasured, config);
  const now = () => new Date();
  const [projects, states, gaps] = store ? await Promise.all([store.readProjects(), store.readStates(), store.readGaps()]) : [[], [], []];
  const pass: PlannedPass = {
    config,
    gitlab,
    known: new Map(projects.map((project) => [project.id, project])),
    states: statesByProject(states, config.branches),
    options: optionsOf(config, now()),
    streams: selectStreams(config.streams, { arePainchains: (await store?.arePainchains()) ?? false }),
    now,
    gaps: createGaps(gaps),
  };
  const selected = await selectedBy(pass);
  const counted = await countedFor(pass, selected, store, backfillTo ?? null);
  const complexity = await costsOf(pass, selected, counted);
  const steps = stepsOf(pass, selected, counted);
  const sum = (of: (step: PlanStep) => number) => steps.reduce((total, step) => total + of(step), 0);
  const requests = { graphql: sum(({ graphql }) => graphql), rest: sum(({ rest }) => rest) };
  const measures = { ...measure(), concurrency: config.concurrency };
  return {
    projects: { known: counted.changed.length, fresh: counted.fresh.length, missing: missingOf(selected, counted) },
    steps,
    rows: sum(({ rows }) => rows ?? 0),
    uncounted: uncountedOf(pass, counted),
    requests,
    complexity,
    seconds: secondsOf(requests.graphql + requests.rest, measures),
    measure: measures,
    asked: { ...gitlab.requests },
  };
}

/** Ids that GitLab returned nothing for are missing as well. */
function missingOf({ missing, pages, batches }: Selected, { changed, fresh }: Counted): string[] {
  const found = new Set([...changed, ...fresh].map(({ id }) => id));
  const asked = [...pages, ...batches].flatMap(({ ids }) => ids);
  return [...missing, ...asked.filter((id) => !found.has(id)).map((id) => String(id))];
}

/** Sends one request for each kind of batch that the pass would send. */
async function costsOf(pass: PlannedPass, { pages, batches }: Selected, { due }: Counted): Promise<PlannedCost[]> {
  const { gitlab, options, config, now } = pass;
  const kinds = new Map<string, Omit<CostQuery, 'branches'>>();
  const add = (kind: Omit<CostQuery, 'branches'>) => {
    const key = `${kind.source} ${kind.ask.kind}`;
    kinds.set(key, { ...kind, projects: Math.max(kind.projects, kinds.get(key)?.projects ?? 0) });
  };
  const room = { membership: Math.min(config.projectLimit || listPageSize, listPageSize), group: listPageSize };
  for (const { source, since } of pages) add({ source, ask: { kind: 'changes', since }, projects: room[source] });
  for (const { ids, ask } of batches) add({ source: 'ids', ask, projects: ids.length });
  const dueTogether = Math.min(due.length, batchSizes.reconcile.projects);
  if (dueTogether > 0) add({ source: 'ids', ask: { kind: 'reconcile', pipelinesSince: now() }, projects: dueTogether });
  const costs: PlannedCost[] = [];
  for (const kind of kinds.values()) {
    const cost = await readCost(gitlab.graphql, { ...kind, branches: options.branches, lists: listsOf(pass.streams) });
    if (cost) costs.push({ ...cost, ask: kind.ask.kind, projects: kind.projects });
  }
  return costs;
}
