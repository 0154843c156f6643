import { Client } from 'pg';
import { connectionOptions } from './connection-options.ts';

/** What is known of a schema. */
export interface SchemaState {
  readonly exists: boolean;
  /** Whether the user may make tables in it. */
  readonly mayCreate: boolean;
}

/** Reads the state of a schema, in a session of its own. */
export async function readSchemaState(databaseUrl: string, schema: string): Promise<SchemaState> {
  const client = new Client(connectionOptions(databaseUrl));
  // The loss of the connection fails the query too.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ mayCreate: boolean }>(
      `select has_schema_privilege(oid, 'create') as "mayCreate" from pg_namespace where nspname = $1`,
      [schema],
    );
    return { exists: rows.length > 0, mayCreate: rows[0]?.mayCreate ?? false };
  } finally {
    await client.end().catch(() => {});
  }
}
