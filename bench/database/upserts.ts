import { deepStrictEqual } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pLimit from 'p-limit';
import { ConnectionEntity } from '../../src/index.ts';
import type { ChangeEvent } from '../../src/events/change-event.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/database.ts';
import type { SavedEvents } from '../../src/store/events/save-events.ts';
import { createStore } from '../../src/store/store.ts';
import type { StoredPage } from '../../src/store/writer.ts';
import { createDatabase, dropDatabase } from '../../test/support/postgres.ts';
import { pgliteCopies, postgresCopies } from './copies.ts';
import type { Copies } from './copies.ts';
import { benchEvents } from './events.ts';

/** An action on the rows. */
export const actions = ['COPY', 'COPY, page by page', 'all new', 'all unchanged', 'all changed'] as const;

/** The speed of one action on one database. */
export interface UpsertRun {
  readonly database: 'PostgreSQL' | 'PGlite';
  readonly action: (typeof actions)[number];
  readonly rows: number;
  readonly seconds: number;
}

/** Options of a measurement. */
export interface Upserting {
  readonly rows: number;
  readonly runs: number;
  /** URL of a PostgreSQL without the name of a database. */
  readonly postgresUrl: string;
  readonly tell: (line: string) => void;
}

/** Rows of a page, as many as GitLab returns. */
const pageSize = 100;

/** Pages that arrive at about the same time, as with the default of CONCURRENCY. */
const pagesAtOnce = 4;

/**
 * Stores pages that are all new, all unchanged and all changed, with progress and versions, as a pass does. Beside it COPY of the very same rows into the very same table, of all at once and of a page at a time.
 */
export async function runUpserts(upserting: Upserting): Promise<UpsertRun[]> {
  const results: UpsertRun[] = [];
  for (let run = 0; run < upserting.runs; run++) {
    results.push(...(await onPostgres(upserting)), ...(await onPglite(upserting)));
  }
  return results;
}

async function onPostgres(upserting: Upserting): Promise<UpsertRun[]> {
  const { postgresUrl } = upserting;
  const name = await createDatabase(postgresUrl);
  try {
    const databaseUrl = `${postgresUrl}/${name}`;
    const open = () => openDatabase({ databaseUrl, dataDir: '' });
    return await measure({ ...upserting, database: 'PostgreSQL', open, openCopies: () => postgresCopies(databaseUrl) });
  } finally {
    await dropDatabase(postgresUrl, name);
  }
}

async function onPglite(upserting: Upserting): Promise<UpsertRun[]> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-bench-'));
  try {
    const openCopies = () => pgliteCopies(path.join(dataDir, 'pglite'));
    return await measure({ ...upserting, database: 'PGlite', open: () => openDatabase({ dataDir }), openCopies });
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

interface Place extends Upserting {
  readonly database: UpsertRun['database'];
  readonly open: () => Promise<Database>;
  /** When nobody else has it open. */
  readonly openCopies: () => Promise<Copies>;
}

async function measure({ database, rows, tell, open, openCopies }: Place): Promise<UpsertRun[]> {
  const results: UpsertRun[] = [];
  const timed = async (action: UpsertRun['action'], work: () => Promise<void>) => {
    const startedAt = performance.now();
    await work();
    const seconds = (performance.now() - startedAt) / 1000;
    results.push({ database, action, rows, seconds });
    tell(`${database}, ${action}: ${Math.round(rows / seconds)} rows/s`);
  };
  const opened = await open();
  try {
    await opened.migrate();
    const save = await saver(opened);
    const [before, after] = [0, 1].map((round) => benchEvents(rows, round)) as [ChangeEvent[], ChangeEvent[]];
    await timed('all new', () => save(before, { inserted: rows, updated: 0 }));
    await timed('all unchanged', () => save(before, { inserted: 0, updated: 0 }));
    await timed('all changed', () => save(after, { inserted: 0, updated: rows }));
  } finally {
    await opened.close();
  }
  const copies = await openCopies();
  try {
    const pages = await copies.read(pageSize);
    await copies.clear();
    await timed('COPY', () => copies.write([Buffer.concat(pages)]));
    await copies.clear();
    await timed('COPY, page by page', () => copies.write(pages));
  } finally {
    await copies.close();
  }
  return results;
}

/** Saves events page by page, and throws unless that wrote what it should. */
async function saver({ em }: Database): Promise<(events: readonly ChangeEvent[], expected: SavedEvents) => Promise<void>> {
  const fork = em.fork();
  const connection = fork.create(ConnectionEntity, { name: 'bench', type: 'gitlab', config: { url: 'https://gitlab.example.com' } });
  await fork.persist(connection).flush();
  const store = await createStore(em, connection.id);
  const at = new Date('2026-06-01T00:00:00Z');
  const project = { id: 101, fullPath: 'acme/service', webUrl: 'https://gitlab.example.com/acme/service' };
  await store.exclusively((locked) => locked.saveProjects([project], at));
  const place = { projectId: project.id, stream: 'merge-requests', scope: '', seenAt: at, state: stateAt(at) };
  return async (events, expected) => {
    const starts = Array.from({ length: Math.ceil(events.length / pageSize) }, (_, page) => page * pageSize);
    const saved = await store.exclusively((locked) =>
      pLimit(pagesAtOnce).map(starts, (start) => locked.savePage({ ...place, events: events.slice(start, start + pageSize) })),
    );
    const total = (key: keyof SavedEvents) => (saved ?? []).reduce((sum, counts) => sum + counts[key], 0);
    deepStrictEqual({ inserted: total('inserted'), updated: total('updated') }, expected);
  };
}

const stateAt = (at: Date): StoredPage['state'] => ({
  selection: [],
  leftOut: [],
  watermark: at,
  cursor: null,
  walkStartedAt: null,
  frontier: null,
  childrenSince: null,
  depth: at,
  backfill: null,
  outcome: 'ok',
  error: null,
  lastAttemptAt: at,
  lastSuccessAt: at,
});
