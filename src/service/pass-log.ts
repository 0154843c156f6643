import type { Logger } from '../log.ts';
import type { Served } from './connection-source.ts';
import type { PassSummary } from './pass-summary.ts';

/** Says how passes ended: each that has read, and every change for the worse or the better once. */
export interface PassLog {
  readonly ended: (served: Pick<Served, 'id' | 'name'>, summary: PassSummary, durationMs: number) => void;
  /** Drops what was said of a connection. */
  readonly forget: (connectionId: number) => void;
}

/** A log that has said nothing yet. */
export function createPassLog(log: Logger): PassLog {
  const states = new Map<number, string>();
  return {
    ended: ({ id, name }, summary, durationMs) => {
      const { result, error, errorCode, projects, fetched, stored, corrected, unread, requests } = summary;
      const connection = { connection: id, name };
      const codeField = errorCode === null ? {} : { errorCode };
      if (result === 'aborted') {
        log.info(connection, 'pass stopped before its end');
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
        else if (result === 'busy') log.info(failure, 'pass stepped aside');
        else log.error(failure, 'pass failed; it is tried again until it succeeds');
        return;
      }
      const figures = { result, projects, fetched, stored, corrected, requests, durationMs: Math.round(durationMs) };
      if (before !== undefined && !before.startsWith('busy') && isNews && result === 'ok')
        log.info(connection, 'everything can be read again');
      if (result === 'incomplete' && isNews)
        log.warn({ ...connection, unread, error, ...codeField }, 'not everything could be read; /status names all of it');
      log.info({ ...connection, ...figures }, 'pass ended');
    },
    forget: (connectionId) => states.delete(connectionId),
  };
}
