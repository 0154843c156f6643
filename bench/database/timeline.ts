import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { countTimeline, readTimeline } from '../../src/index.ts';
import { startHealthServer } from '../../src/service/health-server.ts';
import { createPage, pagePaths } from '../../src/service/page/page.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { createDatabase, dropDatabase } from '../../test/support/postgres.ts';

/** The speed of one question about a window of the timeline. */
export interface TimelineRun {
  readonly question: 'the changes' | 'their number' | 'first byte of the page';
  /** Versions in the table. */
  readonly versions: number;
  /** Changes in the window. */
  readonly changes: number;
  readonly milliseconds: number;
}

/** Options of a measurement. */
export interface Timelining {
  readonly versions: number;
  readonly runs: number;
  /** URL of a PostgreSQL without the name of a database. */
  readonly postgresUrl: string;
  readonly tell: (line: string) => void;
}

const minute = 60_000;
/** How far apart in time the versions are. */
const spacing = 10_000;
const windowMs = 20 * minute;
const begin = Date.parse('2026-01-01T00:00:00Z');

/**
 * Fills the tables with versions, one every 10 seconds, four to an event. The rows are such as a pass writes, with a version for each
 * change of a merge request, and are written by PostgreSQL itself, as only the reading is measured.
 */
export async function fillTimeline(em: SqlEntityManager, versions: number): Promise<void> {
  const fork = em.fork();
  await fork.execute(`insert into connections (id, name, type) values (1, 'bench', 'gitlab')`);
  await fork.execute(`
    insert into gitlab_projects (connection_id, project_id, event_path, full_path, web_url, last_seen_at, reconciled_at, created_at)
    select 1, p, 'acme/service-' || p, 'acme/service-' || p, 'https://gitlab.example.com/acme/service-' || p, now(), now(), '2020-01-01'
    from generate_series(0, 199) as p`);
  await fork.execute(
    `insert into change_events (connection_id, source, event_id, title, description, author, "timestamp", url, status, metadata, project_id, stream, link_keys)
     select 1, 'gitlab', 'mr-acme/service-' || n % 200 || '-' || n, '[MR] Change number ' || n, jsonb_build_object('text', repeat('lorem ipsum ', 20), 'related_events', '[]'::jsonb),
       'user-' || n % 50, '2026-01-01', 'https://gitlab.example.com/acme/service-' || n % 200 || '/-/merge_requests/' || n, 'merged',
       jsonb_build_object('project', 'acme/service-' || n % 200, 'mr_iid', n, 'target_branch', 'main', 'merged_by', 'grace', 'user_notes_count', 3),
       n % 200, 'merge-requests', array['mr:' || n]
     from generate_series(1, ?::int) as n`,
    [versions / 4],
  );
  await fork.execute(
    `insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
     select e.id, v, case when v < 4 then 'opened' else 'merged' end,
       case v when 1 then null when 2 then '{"user_notes_count": {"old": 0, "new": 3}}'::jsonb when 3 then '{"head_sha": {"old": "a", "new": "b"}}'
         else '{"status": {"old": "opened", "new": "merged"}}' end,
       timestamptz '2026-01-01 00:00:00+00' + (e.position * 4 + v - 5) * interval '10 seconds',
       timestamptz '2026-01-01 00:02:00+00' + (e.position * 4 + v - 5) * interval '10 seconds'
     from (select id, row_number() over (order by id) as position from change_events) as e cross join generate_series(1, 4) as v`,
  );
  await fork.execute('analyze');
}

/** A window of 20 minutes of what `fillTimeline` has written, at a part (0 to 1) of the whole time. */
export function windowAt(part: number, versions: number): { readonly from: Date; readonly to: Date } {
  const from = begin + Math.floor(part * (versions * spacing - windowMs));
  return { from: new Date(from), to: new Date(from + windowMs) };
}

/** Reads, counts and shows windows of 20 minutes all over the time, 20 a run. */
export async function runTimeline({ versions, runs, postgresUrl, tell }: Timelining): Promise<TimelineRun[]> {
  const name = await createDatabase(postgresUrl);
  const database = await openDatabase({ databaseUrl: `${postgresUrl}/${name}`, dataDir: '' });
  const { em } = database;
  try {
    await database.migrate();
    await fillTimeline(em, versions);
    const page = createPage({ served: () => Promise.resolve({ em, urls: new Map([[1, 'https://gitlab.example.com']]) }), password: null });
    const server = await startHealthServer({ host: '127.0.0.1', port: 0, page: { paths: pagePaths, fetch: page.fetch } }, {});
    const results: TimelineRun[] = [];
    for (let index = 0; index < runs * 20; index++) {
      const window = windowAt((index % 20) / 20, versions);
      const startedAt = performance.now();
      const { changes } = await readTimeline(em, { ...window, limit: 500 });
      const readAt = performance.now();
      const count = await countTimeline(em, window);
      if (count !== changes.length) throw new Error(`read ${changes.length} changes, and counted ${count}`);
      const common = { versions, changes: count };
      results.push({ ...common, question: 'the changes', milliseconds: readAt - startedAt });
      results.push({ ...common, question: 'their number', milliseconds: performance.now() - readAt });
      const askedAt = performance.now();
      const { body } = await fetch(`${server.url}/?from=${window.from.toISOString()}&to=${window.to.toISOString()}`);
      results.push({ ...common, question: 'first byte of the page', milliseconds: performance.now() - askedAt });
      await body?.cancel();
    }
    await server.close();
    tell(`timeline: ${results.length} questions about ${versions} versions`);
    return results;
  } finally {
    await database.close();
    await dropDatabase(postgresUrl, name);
  }
}
