import type { ErrorCode } from '../errors.ts';
import type { Outcome } from '../walk-state.ts';

/** Something that could not be read, or was left out. */
export interface Problem {
  /** Path of the project, the entry of `repos` that named it, or `BRANCHES` for a branch that no project has. */
  readonly project: string;
  /** Absent when it is the project as a whole. */
  readonly stream?: string;
  /** The branch or the container repository, where the stream has several walks. */
  readonly scope?: string;
  readonly outcome: Exclude<Outcome, 'ok'>;
  /** One line. */
  readonly reason: string;
  /** The code of the error behind the reason. Absent where no request failed, such as a feature that is switched off. */
  readonly errorCode?: ErrorCode;
  /** True when a setting is the reason (a feature that is switched off, a limit): nothing is wrong. */
  readonly expected: boolean;
  /**
   * Since when, for what was there in the last pass and has not become worse: rows that GitLab cannot answer, lists that the token may
   * not read. Absent = new.
   */
  readonly since?: string;
}

/** What a pass did with one stream, over all projects. */
export interface StreamCounts {
  /** Events read. */
  readonly fetched: number;
  readonly inserted: number;
  readonly updated: number;
  /** Tags that were left out because they are signatures, attestations or SBOMs of images. Absent: none. */
  readonly artifacts?: number;
}

/** Result of a pass. */
export interface SyncReport {
  /** Events read. */
  readonly fetched: number;
  /** Rows inserted or changed. Rows that were right already are not counted. */
  readonly stored: number;
  /** Of `stored`: rows that had changed without a trace, and that only a reconcile found. */
  readonly corrected: number;
  /** Projects that GitLab returned. */
  readonly projects: number;
  /** By name of stream, such as `merge-requests`. */
  readonly streams: Readonly<Record<string, StreamCounts>>;
  /** Everything that was not read completely. Empty when everything was. */
  readonly problems: readonly Problem[];
  /** Requests sent, retries included. */
  readonly requests: { readonly graphql: number; readonly rest: number };
  readonly durationMs: number;
}

/** Counts while a pass runs. */
export interface Tally {
  addPage(stream: string, counts: StreamCounts): void;
  addCorrected(count: number): void;
  addProjects(count: number): void;
  addProblem(problem: Problem): void;
  totals(): { readonly fetched: number; readonly stored: number };
  report(rest: Pick<SyncReport, 'requests' | 'durationMs'>): SyncReport;
}

/** A tally over these streams, all at zero. */
export function createTally(streamNames: readonly string[]): Tally {
  const streams = new Map<string, StreamCounts>(streamNames.map((name) => [name, { fetched: 0, inserted: 0, updated: 0 }]));
  const problems: Problem[] = [];
  let projects = 0;
  let corrected = 0;
  const totals = () => {
    const counts = [...streams.values()];
    return {
      fetched: counts.reduce((sum, { fetched }) => sum + fetched, 0),
      stored: counts.reduce((sum, { inserted, updated }) => sum + inserted + updated, 0),
    };
  };
  return {
    addPage(stream, { fetched, inserted, updated, artifacts = 0 }) {
      const sum = streams.get(stream);
      if (!sum) return;
      const leftOut = (sum.artifacts ?? 0) + artifacts;
      streams.set(stream, {
        fetched: sum.fetched + fetched,
        inserted: sum.inserted + inserted,
        updated: sum.updated + updated,
        ...(leftOut > 0 ? { artifacts: leftOut } : {}),
      });
    },
    addCorrected(count) {
      corrected += count;
    },
    addProjects(count) {
      projects += count;
    },
    addProblem(problem) {
      if (!problems.some((known) => JSON.stringify(known) === JSON.stringify(problem))) problems.push(problem);
    },
    totals,
    report: (rest) => ({
      ...totals(),
      corrected,
      projects,
      streams: Object.fromEntries(streams),
      problems: problems.toSorted(byPlace),
      ...rest,
    }),
  };
}

const placeOf = ({ project, stream = '', scope = '' }: Problem) => [project, stream, scope].join('\n');
const byPlace = (a: Problem, b: Problem) => placeOf(a).localeCompare(placeOf(b), 'en');
