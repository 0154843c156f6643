import { batchSizes } from '../../gitlab/batch.ts';
import type { ProjectCounts } from '../../gitlab/counts.ts';
import { pagesOf } from '../../streams/counts.ts';
import type { CountedAsk, PlannedRows } from '../../streams/counts.ts';
import type { Counted } from './count-rows.ts';
import type { PlannedPass, Selected } from './select-batches.ts';

/** One step of a pass. */
export interface PlanStep {
  /** `lookup`, `changes`, `first-sight`, `backfill`, `reconcile`; or the name of a stream that is read with requests of its own. */
  readonly step: string;
  /** How many projects the step reads. */
  readonly projects: number;
  /** Rows to read; null when unknown. Includes rows that are stored already and are read again. */
  readonly rows: number | null;
  /** GraphQL requests. */
  readonly graphql: number;
  /** REST requests. */
  readonly rest: number;
  /** How certain the numbers of requests are. `at least`: the pass may find more to read while it reads. */
  readonly certainty: 'exact' | 'estimate' | 'at least';
}

/** What a pass would do, in the order in which it would do it. Steps with nothing to do are left out. */
export function stepsOf(pass: PlannedPass, selected: Selected, counted: Counted): PlanStep[] {
  const { pages, batches, lookups } = selected;
  const { changed, fresh, due } = counted;
  const changeBatches = pages.length + batches.filter(({ ask }) => ask.kind === 'changes').length;
  const freshBatches = batches.filter(({ ask }) => ask.kind === 'newest').length;
  const dueBatches = Math.ceil(due.length / batchSizes.reconcile.projects);
  const rowsOf = (projects: readonly ProjectCounts[], ask: CountedAsk['kind']) => projects.map((counts) => plannedRows(pass, counts, ask));
  const steps: PlanStep[] = [
    { step: 'lookup', projects: changed.length + fresh.length, rows: null, graphql: lookups, rest: 0, certainty: 'exact' },
    readingStep('changes', rowsOf(changed, 'changes'), changeBatches),
    readingStep('first-sight', rowsOf(fresh, 'newest'), freshBatches),
    readingStep('backfill', counted.backfill.map(backfillOf), 0),
    readingStep('reconcile', rowsOf(due, 'reconcile'), dueBatches),
    ...pass.streams.flatMap(({ name, plan }) => {
      const requests = plan.requests?.(counted, pass.options);
      return requests ? [{ step: name, ...requests, rows: null, certainty: 'at least' as const }] : [];
    }),
  ];
  return steps.filter(({ projects, graphql, rest }) => projects > 0 && graphql + rest > 0);
}

/** Labels of what a pass would read and GitLab does not count. */
export const uncountedOf = ({ options, streams }: PlannedPass, counted: Counted): string[] =>
  streams.map(({ plan }) => plan.uncounted?.(counted, options) ?? null).filter((words) => words !== null);

function readingStep(step: string, projects: readonly PlannedRows[], batches: number): PlanStep {
  const { rows, followUps } = sumOf(projects);
  return { step, projects: projects.length, rows, graphql: batches + followUps, rest: 0, certainty: 'estimate' };
}

/** The rows of one project that a batch and its follow-up requests read. */
function plannedRows({ options, streams }: PlannedPass, counts: ProjectCounts, ask: CountedAsk['kind']): PlannedRows {
  return sumOf(streams.map(({ plan }) => plan.rows?.(counts, ask, options) ?? { rows: 0, followUps: 0 }));
}

function backfillOf({ rows, walks }: Counted['backfill'][number]): PlannedRows {
  const all = sumOf([...rows.values()].map((count) => ({ rows: count, followUps: pagesOf(count) })));
  return { ...all, followUps: Math.max(walks, all.followUps) };
}

const sumOf = (all: readonly PlannedRows[]): PlannedRows => ({
  rows: all.reduce((sum, { rows }) => sum + rows, 0),
  followUps: all.reduce((sum, { followUps }) => sum + followUps, 0),
});
