import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { ConnectionEntity } from '../../src/index.ts';
import type { JsonObject } from '../../src/index.ts';

/** A row of change_events as the database shows it. `xmin` changes with every write to the row. */
export interface EventRow {
  readonly event_id: string;
  readonly title: string;
  readonly description: JsonObject;
  readonly author: string;
  readonly timestamp: string;
  readonly url: string;
  readonly status: string;
  readonly metadata: JsonObject;
  readonly xmin: string;
}

/** Makes a connection, as PainChain does when a user adds one. */
export async function addConnection(em: SqlEntityManager, url: string): Promise<number> {
  const fork = em.fork();
  const connection = fork.create(ConnectionEntity, { name: 'test', type: 'gitlab', config: { url } });
  await fork.persist(connection).flush();
  return connection.id;
}

/** The events of a connection by id, times as ISO 8601 in UTC. */
export async function eventRows(em: SqlEntityManager, connectionId: number): Promise<Map<string, EventRow>> {
  const rows = await em.fork().execute<EventRow[]>(
    `select event_id, title, description, author, url, status, metadata, xmin::text as xmin,
       to_char(e."timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "timestamp"
     from change_events e where connection_id = ? order by id`,
    [connectionId],
  );
  return new Map(rows.map((row) => [row.event_id, row]));
}

/** Outcomes of a connection's walks: `stream scope` -> outcome. */
export async function outcomes(em: SqlEntityManager, connectionId: number): Promise<Record<string, string>> {
  const rows = await em
    .fork()
    .execute<Array<{ stream: string; scope: string; outcome: string }>>(
      'select stream, scope, outcome from gitlab_stream_state where connection_id = ? order by project_id, stream, scope',
      [connectionId],
    );
  return Object.fromEntries(rows.map(({ stream, scope, outcome }) => [`${stream} ${scope}`.trim(), outcome]));
}
