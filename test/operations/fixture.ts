import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createHostStates, syncGitlab } from '../../src/index.ts';
import type { HostStates, SyncFailure, SyncOptions, SyncReport } from '../../src/index.ts';
import type { Database } from '../../src/store/database/database.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { World } from '../../fake-gitlab/world/world.ts';
import { openTestDatabase } from '../support/databases.ts';
import type { DatabaseKind } from '../support/databases.ts';
import { fakeUrl, fetchFrom, useFakeGitlab } from '../support/fake.ts';
import type { FakeSetup } from '../support/fake.ts';
import { addConnection, eventRows, outcomes } from '../support/rows.ts';
import type { EventRow } from '../support/rows.ts';

/** A connection of its own for each test, to a fake GitLab of its own, in one database for a file. */
export interface SyncFixture {
  readonly world: World;
  readonly fake: FakeGitlab;
  readonly token: string;
  readonly database: Database;
  readonly connectionId: number;
  /** Reads another world from here on. */
  readonly enter: (world: World) => void;
  readonly run: (config?: Readonly<Record<string, unknown>>, options?: SyncOptions) => Promise<SyncReport | SyncFailure>;
  /** A pass that must run. */
  readonly sync: (config?: Readonly<Record<string, unknown>>, options?: SyncOptions) => Promise<SyncReport>;
  /** A pass that must not. */
  readonly fail: (config?: Readonly<Record<string, unknown>>, options?: SyncOptions) => Promise<SyncFailure>;
  readonly rows: () => Promise<Map<string, EventRow>>;
  readonly ids: (prefix?: string) => Promise<string[]>;
  readonly outcomes: () => Promise<Record<string, string>>;
}

/**
 * Call in a suite; what comes back is good inside of its tests. The fake GitLab answers as the `fetch` of each pass; with
 * `network` it stands behind the pass's own network, which costs three times as much.
 */
export function useSync(kind: DatabaseKind, { network = false } = {}): SyncFixture {
  const createFake = useFakeGitlab();
  let database: Database;
  let setup: FakeSetup;
  let connectionId: number;
  let hostStates: HostStates;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    setup = createFake();
    hostStates = createHostStates();
    connectionId = await addConnection(database.em, fakeUrl);
  });
  const run: SyncFixture['run'] = (config = {}, options = {}) =>
    syncGitlab(database.em, { ...setup.config, ...config }, connectionId, {
      hostStates,
      ...(network ? {} : { fetch: fetchFrom(setup.fake) }),
      ...options,
    });
  return {
    get world() {
      return setup.world;
    },
    get fake() {
      return setup.fake;
    },
    get token() {
      return setup.config.token;
    },
    get database() {
      return database;
    },
    get connectionId() {
      return connectionId;
    },
    enter: (world) => {
      setup = createFake(fakeUrl, world);
    },
    run,
    sync: async (config, options) => {
      const result = await run(config, options);
      if ('error' in result) throw new Error(result.error);
      return result;
    },
    fail: async (config, options) => {
      const result = await run(config, options);
      if (!('error' in result)) throw new Error('the pass did not fail');
      return result;
    },
    rows: () => eventRows(database.em, connectionId),
    ids: async (prefix = '') => [...(await eventRows(database.em, connectionId)).keys()].filter((id) => id.startsWith(prefix)),
    outcomes: () => outcomes(database.em, connectionId),
  };
}
