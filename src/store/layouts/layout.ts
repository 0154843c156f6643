import { DatabaseError } from '../../errors.ts';
import { refusedColumns, tables } from './columns.ts';
import type { Column, TableName } from './columns.ts';
import { refusedKeys, refusedReferences } from './keys.ts';
import type { Reference, UniqueKey } from './keys.ts';

/** Who made the tables: PainChain 0.1, PainChain 0.2, this connector, or somebody else. `none`: there are no tables yet. */
export type LayoutKind = 'none' | 'own' | 'painchain-0.1' | 'painchain-0.2' | 'other';

/** What the tables `connections` and `change_events` are. */
export interface Layout {
  readonly kind: LayoutKind;
  /** Why the connector cannot store in these tables. One line each; each names a column or a key. Empty = it can. */
  readonly refusals: readonly string[];
}

/** Runs a statement, and resolves to its rows. */
export type Execute = (statement: string) => Promise<unknown[]>;

/** Kinds for people. */
const names: Readonly<Record<LayoutKind, string>> = {
  none: 'no tables yet',
  own: "the connector's own tables",
  'painchain-0.1': 'the tables of PainChain 0.1',
  'painchain-0.2': 'the tables of PainChain 0.2',
  other: 'tables that somebody else made',
};

/** What the tables are, for people. */
export const layoutName = ({ kind }: Layout): string => names[kind];

/** Reads what the tables are from the catalog of the database. Changes nothing. */
export async function readLayout(execute: Execute): Promise<Layout> {
  const columns = (await execute(readColumns)) as Column[];
  const keys = (await execute(readUniqueKeys)) as UniqueKey[];
  const references = (await execute(readReferences)) as Reference[];
  const kind = kindOf(columns);
  return { kind, refusals: [...refusedColumns(kind, columns), ...refusedKeys(kind, keys), ...refusedReferences(references)] };
}

/** Throws DatabaseError when the connector cannot store in the tables. */
export function assertUsable({ refusals }: Layout, description: string): void {
  if (refusals.length === 0) return;
  throw new DatabaseError(`cannot store in the ${description}: ${refusals.join('; ')}. Nothing was changed. ${refusalAdvice}`);
}

/** What to do about a refusal. */
export const refusalAdvice = 'Change what is named, or set DATABASE_URL to another database';

function kindOf(columns: readonly Column[]): LayoutKind {
  const events = new Map(columns.filter(({ table }) => table === 'change_events').map((column) => [column.name, column]));
  if (columns.length === 0) return 'none';
  if (events.has('external_id') && events.has('event_type')) return 'painchain-0.2';
  if (events.size === 0) return 'other';
  const naive = events.get('timestamp')?.type.includes('without time zone');
  if (naive && events.has('event_id') && events.has('author')) return 'painchain-0.1';
  return events.has('project_id') && events.has('stream') && events.has('event_id') ? 'own' : 'other';
}

const tableList = (Object.keys(tables) as TableName[]).map((name) => `'${name}'`).join(', ');

const readColumns = `
  select t.name as "table", a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, c.relkind::text as "tableKind",
    a.attnotnull as "isRequired", a.atthasdef or a.attidentity <> '' as "hasDefault", a.attgenerated <> '' as "isGenerated"
  from unnest(array[${tableList}]) as t (name)
  join pg_class c on c.oid = to_regclass(t.name)
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  order by t.name desc, a.attnum`;

// Not pg_get_indexdef: it waits for whoever has locked the table.
const readUniqueKeys = `
  select i.indexrelid::regclass::text as name, array(
      select coalesce(a.attname::text, '') from unnest(i.indkey::int2[]) with ordinality as k (number, place)
      left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
      where k.place <= i.indnkeyatts order by k.place
    ) as columns
  from pg_index i
  where i.indrelid = to_regclass('change_events') and i.indisunique and i.indpred is null
  order by i.indexrelid`;

const readReferences = `
  select conname::text as name, pg_get_constraintdef(oid) as definition from pg_constraint
  where conrelid = to_regclass('change_events') and contype = 'f' and confrelid <> to_regclass('connections')
  order by conname`;
