import type { RawBuilder } from 'kysely';
import type { Execute } from './layout.ts';
import { renameFormerRows } from './painchain-0-2.ts';
import type { NamedProject } from './painchain-0-2.ts';

/** How the columns of change_events are read and written in SQL: the same everywhere but where PainChain has made the table. `row` is the alias of a row. */
export interface EventTable {
  /** Whether PainChain made the tables. */
  readonly isPainchains: boolean;
  /** The column with the description as JSON. */
  readonly description: 'description' | 'description_json';
  /** When the change happened, with its zone. */
  readonly timestamp: (row: string) => string;
  /** A time as the column `timestamp` takes it. */
  readonly toTimestamp: (time: string) => string;
  /** A time as the column `timestamp` gives it back: PainChain 0.2 rounds to milliseconds. */
  readonly rounded: (time: string) => string;
  /** When the row was first stored, with its zone. */
  readonly createdAt: (row: string) => string;
  /** A time as the column `created_at` takes it. */
  readonly toCreatedAt: (time: string) => string;
  /** When the row last changed, with its zone. */
  readonly updatedAt: (row: string) => string;
  /** The metadata as the connector stores them. */
  readonly metadata: (row: string) => string;
  /** Gives rows that an older connector has stored of projects the ids of this one. Null where the ids are the same. */
  readonly renameFormerRows: ((connectionId: number, projects: readonly NamedProject[]) => RawBuilder<unknown>) | null;
}

/** Reads from the catalog of the database how change_events was made. */
export async function readEventTable(execute: Execute): Promise<EventTable> {
  const rows = (await execute(`
    select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type from pg_attribute a
    where a.attrelid = to_regclass('change_events') and a.attname in ('timestamp', 'created_at', 'updated_at', 'description_json')
      and not a.attisdropped`)) as Array<{ readonly name: string; readonly type: string }>;
  const types = new Map(rows.map(({ name, type }) => [name, type]));
  const [timestamp, createdAt, updatedAt] = ['timestamp', 'created_at', 'updated_at'].map((name) =>
    timeColumn(name, types.get(name) ?? ''),
  );
  // The column is there in the tables of PainChain 0.2 only.
  const isPainchain02 = types.has('description_json');
  return {
    isPainchains: isPainchain02 || (types.get('timestamp') ?? '').includes('without time zone'),
    description: isPainchain02 ? 'description_json' : 'description',
    timestamp: (timestamp as TimeColumn).read,
    toTimestamp: (timestamp as TimeColumn).write,
    rounded: (timestamp as TimeColumn).rounded,
    createdAt: (createdAt as TimeColumn).read,
    toCreatedAt: (createdAt as TimeColumn).write,
    updatedAt: (updatedAt as TimeColumn).read,
    metadata: (row) => (isPainchain02 ? `(${row}.metadata - 'author')` : `${row}.metadata`),
    renameFormerRows: isPainchain02 ? renameFormerRows : null,
  };
}

interface TimeColumn {
  readonly read: (row: string) => string;
  readonly write: (time: string) => string;
  readonly rounded: (time: string) => string;
}

/** A time without a zone is in UTC, by PainChain's convention. */
function timeColumn(name: string, type: string): TimeColumn {
  const isNaive = type.includes('without time zone');
  const digits = /\((\d)\)/.exec(type)?.[1];
  const zoned = (time: string) => (isNaive ? `(${time} at time zone 'UTC')` : time);
  return {
    read: (row) => zoned(`${row}."${name}"`),
    write: zoned,
    rounded: (time) => (digits === undefined ? time : `(${time})::timestamptz(${digits})`),
  };
}
