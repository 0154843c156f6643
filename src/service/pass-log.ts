import type { Logger } from '../log.ts';
import type { ServedConnection } from './connection-source.ts';
import type { PassSummary } from './pass-summary.ts';

/** Logs how passes ended: every pass that read the connection, and a failure or a recovery once. */
export interface PassLog {
  readonly ended: (served: Pick<ServedConnection, 'id' | 'name'>, summary: PassSummary, durationMs: number) => void;
  /** Forgets the last result of a connection. */
  readonly forget: (connectionId: number) => void;
}

/** A pass log without a last result. */
export function createPassLog(log: Logger): PassLog {
  const states = new Map<number, string>();
  return {
    ended: ({ id, name }, summary, durationMs) => {
      const { result, error, errorCode, projects, fetched, stored, corrected, unread, requests } = summary;
      const connection = { connection: id, name };
      const codeField = errorCode === null ? {} : { errorCode };
      if (result === 'aborted') {
        log.info(connection, 'pass interrupted; the next pass continues it');
        return;
      }
      const state = result === 'incomplete' ? `incomplete ${error}` : [result, errorCode ?? ''].join(' ');
      const before = states.get(id);
      states.set(id, state);
      const isNews = before !== state;
      const hasRead = result === 'ok' || result === 'incomplete';
      if (!hasRead) {
        const failure = { ...connection, result, error, ...codeField };
        if (!isNews) log.debug(failure, 'pass failed again');
        else if (result === 'busy') log.info(failure, 'pass skipped: another pass reads the connection');
        else log.error(failure, 'pass failed; retrying until it succeeds');
        return;
      }
      const figures = { result, projects, fetched, stored, corrected, requests, durationMs: Math.round(durationMs) };
      if (before !== undefined && !before.startsWith('busy') && isNews && result === 'ok')
        log.info(connection, 'connection recovered: everything is read again');
      if (result === 'incomplete' && isNews)
        log.warn({ ...connection, unread, error, ...codeField }, 'pass incomplete: /status lists what could not be read');
      log.info({ ...connection, ...figures }, 'pass ended');
    },
    forget: (connectionId) => states.delete(connectionId),
  };
}
