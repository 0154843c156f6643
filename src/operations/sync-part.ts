import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { withGitlabAndStore } from './connect.ts';
import type { GitlabAndStore, ConnectOptions, SyncFailure } from './connect.ts';
import type { SyncReport } from '../pass/report.ts';
import type { Pass, SyncProgress } from '../pass/pass-state.ts';
import { endParts as notePartsEnd, listParts, readPart } from '../pass/part.ts';
import type { Part, Parts } from '../pass/part.ts';

/** A connection that is read in parts, possibly by several processes. */
export interface PartInput {
  readonly em: SqlEntityManager;
  readonly config: Readonly<Record<string, unknown>>;
  readonly connectionId: number;
  readonly options?: PartOptions;
}

/** What a host application may pass beside its configuration. */
export interface PartOptions extends ConnectOptions {
  /** Called each time the progress changes. */
  readonly onProgress?: (progress: SyncProgress) => void;
}

/** Divides a connection into parts. Writes only which projects are gone, or are no longer selected by the configuration. */
export function partsOfConnection({ em, config, connectionId, options = {} }: PartInput): Promise<Parts | SyncFailure> {
  return withGitlabAndStore({ em, config, connectionId, options }, async (ends): Promise<Parts | SyncFailure> => {
    return (await listParts(passOf(ends, options))) ?? busy(`Another pass over connection ${connectionId} is running`);
  });
}

/** Reads some projects of a connection. See `syncGitlab`, which reads all of them. */
export function syncPart({ em, config, connectionId, options = {} }: PartInput, projectIds: Part): Promise<SyncReport | SyncFailure> {
  return withGitlabAndStore({ em, config, connectionId, options }, async (ends): Promise<SyncReport | SyncFailure> => {
    const report = await readPart(passOf(ends, options), projectIds);
    return report ?? busy(`Another pass over these projects of connection ${connectionId} is running`);
  });
}

/** Stores that every part of a connection was read, as a pass over a whole connection does at its end. */
export function endParts({ em, config, connectionId, options = {} }: PartInput): Promise<SyncFailure | undefined> {
  return withGitlabAndStore({ em, config, connectionId, options }, async ({ store }): Promise<undefined> => {
    await notePartsEnd({ store, now: () => new Date() });
  });
}

const busy = (error: string): SyncFailure => ({ error: `${error}: this pass read nothing`, code: 'busy' });

const passOf = (ends: GitlabAndStore, { onProgress }: PartOptions): Pass => ({
  ...ends,
  onProgress,
  now: () => new Date(),
});
