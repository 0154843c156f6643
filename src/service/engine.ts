import type { Part } from '../pass/part.ts';
import type { PassSummary } from './pass-summary.ts';

/** A pass that is to be carried out. */
export interface PassRequest {
  readonly connectionId: number;
  /** One that started before this moment, in milliseconds by the database's clock, will not do. */
  readonly wantedSince: number;
}

/** A pass that is carried out now. */
export interface PassOrder extends PassRequest {
  /** It was begun before by a process that did not end it: whether it is due was settled then. */
  readonly isResumed: boolean;
  /** Ends it between two pages. */
  readonly signal: AbortSignal;
  /** Absent where there is only this process. */
  readonly parts?: PartsEngine | undefined;
}

/** Has parts of a large connection read by all replicas. A round is one pass over it: its start in milliseconds. */
export interface PartsEngine {
  readonly read: (round: number, parts: readonly Part[]) => Promise<PassSummary[]>;
  /** Goes on with the parts of a round that was begun before; null when it has none. */
  readonly resume: (round: number) => Promise<PassSummary[] | null>;
}

/** A part of a large connection that is read now. */
export interface PartOrder {
  readonly connectionId: number;
  readonly projectIds: Part;
  readonly signal: AbortSignal;
}

/** What carries passes out. */
export interface EngineWork {
  /** Never rejects. */
  readonly runPass: (order: PassOrder) => Promise<void>;
  /** Rejects with what may pass. */
  readonly readPart: (order: PartOrder) => Promise<PassSummary>;
}

/** How many jobs of a kind are in a state. */
export interface JobCount {
  readonly kind: 'pass' | 'batch';
  readonly state: 'waiting' | 'running' | 'dead';
  readonly count: number;
}

/** Carries out passes, never two over one connection. */
export interface Engine {
  /** Asks for a pass. Nothing happens when one is asked for or under way already, here or in another replica. */
  request(request: PassRequest): Promise<void>;
  jobs(): Promise<readonly JobCount[]>;
  /** Ends what is under way between two pages, and waits until it has. */
  stop(): Promise<void>;
}
