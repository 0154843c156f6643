import { pagesOf } from '../estimate.ts';
import { batchSizes } from '../../gitlab/batch.ts';
import type { ProjectCounts } from '../../gitlab/counts.ts';
import { closed, features } from '../../streams/access.ts';
import type { Counted } from './count-rows.ts';
import type { PlannedPass, Selected } from './select-batches.ts';

/** A part of a pass. */
export interface PlanStep {
  readonly step: 'lookup' | 'changes' | 'first-sight' | 'backfill' | 'reconcile' | 'commits' | 'registry-images';
  /** Projects that it is about. */
  readonly projects: number;
  /** Rows to read; null when it cannot be known. Most of them are stored already where they are read again. */
  readonly rows: number | null;
  /** GraphQL requests. */
  readonly graphql: number;
  /** REST requests. */
  readonly rest: number;
  /** How sure the requests are. `at least`: what else there is to read shows only when it is read. */
  readonly certainty: 'exact' | 'estimate' | 'at least';
}

/** What a pass would do, in the order of its doing. Parts that there is nothing to do in are left out. */
export function stepsOf(run: PlannedPass, selected: Selected, counted: Counted): PlanStep[] {
  const { pages, batches, lookups } = selected;
  const projects = counted.changed.length + counted.fresh.length;
  const changeBatches = pages.length + batches.filter(({ ask }) => ask.kind === 'changes').length;
  const freshBatches = batches.filter(({ ask }) => ask.kind === 'newest').length;
  const steps: PlanStep[] = [
    { step: 'lookup', projects, rows: null, graphql: lookups, rest: 0, certainty: 'exact' },
    { ...readingStep('changes', counted.changed.map(changedOf)), graphql: changeBatches + followUps(counted.changed.map(changedOf)) },
    { ...readingStep('first-sight', counted.fresh.map(freshOf(run))), graphql: freshBatches + followUps(counted.fresh.map(freshOf(run))) },
    backfillStep(counted),
    reconcileStep(counted),
    commitsStep(run, counted),
    imagesStep(run, counted),
  ];
  return steps.filter(({ projects: count, graphql, rest }) => count > 0 && graphql + rest > 0);
}

/** What is to be read of one project, and how many requests that takes beyond the batch. */
interface Reading {
  readonly rows: number;
  readonly followUps: number;
}

const readingStep = (step: PlanStep['step'], readings: readonly Reading[]): Omit<PlanStep, 'graphql'> => ({
  step,
  projects: readings.length,
  rows: readings.reduce((sum, { rows }) => sum + rows, 0),
  rest: 0,
  certainty: 'estimate',
});

const followUps = (readings: readonly Reading[]) => readings.reduce((sum, reading) => sum + reading.followUps, 0);

/** Pages beyond the first one, which comes with the batch. */
const beyond = (rows: number, firstPage: number) => pagesOf(rows - firstPage);

/** New releases cannot be counted: GitLab has no filter for them. */
function changedOf({ mergeRequests, pipelines }: ProjectCounts): Reading {
  const { pageSize } = batchSizes.changes;
  const [mrs, runs] = [mergeRequests ?? 0, pipelines ?? 0];
  return { rows: mrs + runs, followUps: beyond(mrs, pageSize) + beyond(runs, pageSize) };
}

const freshOf =
  ({ options: { depth, branches } }: PlannedPass) =>
  ({ mergeRequests, pipelines, releases }: ProjectCounts): Reading => {
    const { pageSize } = batchSizes.newest;
    const most = depth.rows ?? Number.POSITIVE_INFINITY;
    const [mrs, runs, tags] = [
      Math.min(mergeRequests ?? 0, most),
      Math.min(pipelines ?? 0, most * Math.max(1, branches.length)),
      Math.min(releases, most),
    ];
    // Down to a moment, and where there are several branches, the batch's page of pipelines does not serve.
    const walks = branches.length > 1 ? branches.length : depth.since ? 1 : 0;
    const pipelinePages = walks === 0 || pipelines === null ? beyond(runs, pageSize) : Math.max(walks, pagesOf(runs));
    return { rows: mrs + runs + tags, followUps: beyond(mrs, pageSize) + pipelinePages + beyond(tags, pageSize) };
  };

function backfillStep({ backfill }: Counted): PlanStep {
  const readings = backfill.map(({ mergeRequests, pipelines, walks }) => ({
    rows: mergeRequests + pipelines,
    followUps: Math.max(walks, pagesOf(mergeRequests) + pagesOf(pipelines)),
  }));
  return { ...readingStep('backfill', readings), graphql: followUps(readings) };
}

function reconcileStep({ due }: Counted): PlanStep {
  const { pageSize, projects } = batchSizes.reconcile;
  const readings = due.map(({ mergeRequests, pipelines, releases }) => {
    const lists = [mergeRequests ?? 0, pipelines ?? 0, releases];
    return {
      rows: lists.reduce((sum, rows) => sum + rows, 0),
      followUps: lists.reduce((sum, rows) => sum + beyond(rows, pageSize), 0),
    };
  });
  return { ...readingStep('reconcile', readings), graphql: Math.ceil(due.length / projects) + followUps(readings) };
}

/** The end of each branch is asked for, and the first page of one that is new. */
function commitsStep({ options: { branches } }: PlannedPass, { changed, fresh }: Counted): PlanStep {
  const readable = (projects: readonly ProjectCounts[]) => projects.filter(({ project }) => project.userPermissions.downloadCode).length;
  const [known, unknown] = [readable(changed), readable(fresh)];
  return {
    step: 'commits',
    projects: branches.length === 0 ? 0 : known + unknown,
    rows: null,
    graphql: 0,
    rest: (known + 2 * unknown) * branches.length,
    certainty: 'at least',
  };
}

/** The names of each repository's tags are listed; known tags are looked at in turn, or all when they are due. */
function imagesStep({ options: { tagChecks } }: PlannedPass, { changed, fresh, due, tags }: Counted): PlanStep {
  const readable = [...changed, ...fresh].filter(
    ({ project, containerRepositories }) => containerRepositories > 0 && !closed(project, features.registryImages),
  );
  const ids = new Set(readable.map(({ id }) => id));
  const isDue = new Set(due.map(({ id }) => id));
  const known = tags.filter(({ projectId }) => ids.has(projectId));
  // Those that are due are listed a second time.
  const lists = readable.reduce((sum, { id, containerRepositories }) => sum + containerRepositories * (isDue.has(id) ? 2 : 1), 0);
  const morePages = known.reduce((sum, { known: count }) => sum + Math.max(0, pagesOf(count) - 1), 0);
  const looks = known.reduce((sum, { projectId, looked }) => sum + Math.min(looked, tagChecks) + (isDue.has(projectId) ? looked : 0), 0);
  return {
    step: 'registry-images',
    projects: readable.length,
    rows: null,
    graphql: 0,
    rest: lists + morePages + looks,
    certainty: 'at least',
  };
}
