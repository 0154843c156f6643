import type { Part } from '../pass/part.ts';
import type { HintQueue } from './hooks/hint.ts';
import type { PassSummary } from './pass-summary.ts';

/** A request for a pass. */
export interface PassRequest {
  readonly connectionId: number;
  /** A pass that started before this moment (milliseconds, the database's clock) does not satisfy the request. */
  readonly wantedSince: number;
}

/** A pass to run now. */
export interface PassOrder extends PassRequest {
  /** Another process began this pass and did not end it. Whether it is due was decided then. */
  readonly isResumed: boolean;
  /** Stops the pass after the page in progress. */
  readonly signal: AbortSignal;
  /** Absent with the embedded database, which only one process can use. */
  readonly parts?: PartsEngine | undefined;
}

/** Shares the parts of a pass over a large connection among all replicas. `passStartedAt` identifies the pass: milliseconds, the database's clock. */
export interface PartsEngine {
  readonly read: (passStartedAt: number, parts: readonly Part[]) => Promise<PassSummary[]>;
  /** Continues a pass that another process began. Resolves to null when that pass has no parts yet. */
  readonly resume: (passStartedAt: number) => Promise<PassSummary[] | null>;
}

/** A part of a pass to read now. */
export interface PartOrder {
  readonly connectionId: number;
  readonly projectIds: Part;
  readonly signal: AbortSignal;
}

/** What an engine calls to do the work of a job. */
export interface EngineWork {
  /** Never rejects. */
  readonly runPass: (order: PassOrder) => Promise<void>;
  /** Rejects with PartFailure when a retry may succeed. */
  readonly readPart: (order: PartOrder) => Promise<PassSummary>;
}

/** Number of jobs of one kind in one state. */
export interface JobCount {
  readonly kind: 'pass' | 'part' | 'hint';
  readonly state: 'waiting' | 'running' | 'dead';
  readonly count: number;
}

/** Runs passes, at most one at a time for a connection. */
export interface Engine {
  /** Requests a pass. Does nothing when one is requested or running already, here or in another replica. */
  request(request: PassRequest): Promise<void>;
  /** Has projects read soon. Null when webhooks are off. */
  readonly hints: HintQueue | null;
  jobs(): Promise<readonly JobCount[]>;
  /** Stops the running passes, each after its page in progress, and waits until they have stopped. */
  stop(): Promise<void>;
}
