import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { SyncFailure } from '../../operations/connect.ts';
import type { SyncReport } from '../../pass/report.ts';
import { readPasses } from '../../store/progress/passes.ts';
import type { PassSummary } from '../pass-summary.ts';
import { nap } from '../retry-until.ts';
import type { HintEnd, HintOrder, ReadHinted } from './hint.ts';

/** Options of a reader of hinted projects. */
export interface HintReaderOptions {
  readonly em: SqlEntityManager;
  /** Reads the projects. Null when the connection is not served. */
  readonly readPart: (order: HintOrder) => Promise<PassSummary | null>;
  readonly log: Logger;
}

/**
 * Reads hinted projects where that takes nothing from the passes: while a pass over the connection runs, hints wait. After a failed pass
 * hints are dropped: the pauses between failing passes hold for hints too. Never rejects.
 */
export function createHintReader({ em, readPart, log }: HintReaderOptions): ReadHinted {
  return async (order) => {
    const { connectionId, projectIds } = order;
    try {
      const record = (await readPasses(em, connectionId)).byConnection.get(connectionId);
      if (record?.endedAt === null) return 'later';
      if (record && record.failures > 0) return 'failed';
      const summary = await readPart(order);
      if (!summary) return 'failed';
      const { result, fetched, stored, requests, error } = summary;
      log.debug(
        { connection: connectionId, projects: projectIds.length, result, fetched, stored, requests, error },
        'hinted projects read',
      );
      return endOf(summary);
    } catch (error) {
      log.debug({ connection: connectionId, error: messageOf(error) }, 'hinted projects not read');
      return 'later';
    }
  };
}

function endOf({ result }: PassSummary): HintEnd {
  if (result === 'ok' || result === 'incomplete') return 'read';
  return result === 'busy' || result === 'aborted' || result === 'database' ? 'later' : 'failed';
}

const pauseMs = 500;
const longestMs = 60_000;

/**
 * Reads as a pass, and again while hints are read that came before it: new ones wait, so that this ends soon. What is busy for another
 * reason stays busy.
 */
export async function pastHints(
  read: () => Promise<SyncReport | SyncFailure>,
  signal: AbortSignal,
  pause: (ms: number) => Promise<void> = (ms) => nap(ms, signal),
): Promise<SyncReport | SyncFailure> {
  let outcome = await read();
  for (let waited = 0; isBusy(outcome) && waited < longestMs && !signal.aborted; waited += pauseMs) {
    await pause(pauseMs);
    outcome = await read();
  }
  return outcome;
}

/** Another pass holds the lock. A pass that was taken over has a cause. */
const isBusy = (outcome: SyncReport | SyncFailure) => 'error' in outcome && outcome.code === 'busy' && outcome.cause === undefined;
