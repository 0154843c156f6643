import type { LayoutKind } from './layout.ts';

/** A column as the catalog describes it. */
export interface Column {
  readonly table: TableName;
  readonly name: string;
  /** As PostgreSQL writes it, such as `character varying(50)`. */
  readonly type: string;
  /** PostgreSQL's letter for what has the column: `r` and `p` are tables. */
  readonly tableKind: string;
  readonly isRequired: boolean;
  readonly hasDefault: boolean;
  readonly isGenerated: boolean;
}

export type TableName = 'connections' | 'change_events';

/** What a column has to be. `shortest`: the fewest characters that a text must hold; a text without a limit always fits. */
interface Needed {
  readonly type: 'integer' | 'bigint' | 'text' | 'json' | 'time' | 'boolean' | 'texts';
  readonly shortest?: number;
  /** Whether the connector writes the column when it adds a row, so that it needs no default. */
  readonly isFilled: boolean;
}

const filled = (type: Needed['type'], shortest = 0): Needed => ({ type, shortest, isFilled: true });
const unfilled = (type: Needed['type']): Needed => ({ type, isFilled: false });

const events: Readonly<Record<string, Needed>> = {
  id: unfilled('integer'),
  connection_id: filled('integer'),
  source: filled('text', 6),
  event_id: filled('text', 255),
  title: filled('text', 1_000),
  description: filled('json'),
  author: filled('text', 255),
  timestamp: filled('time'),
  url: filled('text', 2_000),
  status: filled('text', 30),
  metadata: filled('json'),
  created_at: filled('time'),
  updated_at: filled('time'),
  project_id: filled('bigint'),
  stream: filled('text', 30),
  link_keys: filled('texts'),
  is_unlinked: filled('boolean'),
};

/** The columns that the connector reads or writes where somebody else has made the tables. */
export const tables: Readonly<Record<TableName, Readonly<Record<string, Needed>>>> = {
  connections: {
    id: unfilled('integer'),
    name: filled('text', 100),
    type: filled('text', 6),
    config: filled('json'),
    enabled: unfilled('boolean'),
    tags: unfilled('text'),
    last_sync: unfilled('time'),
    created_at: unfilled('time'),
    updated_at: unfilled('time'),
  },
  change_events: events,
};

/** What is different in the tables of PainChain 0.2. */
const painchain02: Readonly<Record<TableName, Readonly<Record<string, Needed>>>> = {
  connections: { updated_at: filled('time') },
  change_events: {
    external_id: filled('text', 255),
    event_type: filled('text', 30),
    description: filled('text'),
    event_metadata: filled('json'),
    description_json: filled('json'),
  },
};

/** Why columns cannot be used, one line each. */
export function refusedColumns(kind: LayoutKind, columns: readonly Column[]): string[] {
  return [...missingIds(columns), ...columns.flatMap((column) => refusalOf(kind, column) ?? [])];
}

function refusalOf(kind: LayoutKind, { table, name, type, tableKind, isRequired, hasDefault, isGenerated }: Column): string | null {
  const column = `the column ${name} of ${table}`;
  if (!['r', 'p'].includes(tableKind)) return name === 'id' ? `${table} is not a table` : null;
  const needed = (kind === 'painchain-0.2' ? painchain02[table][name] : undefined) ?? tables[table][name];
  if (!needed) return isRequired && !hasDefault && !isGenerated ? `${column} must be filled, and the connector does not know it` : null;
  if (!fits(type, needed)) return `${column} is ${type}, and must be ${textOf(needed)}`;
  if (isGenerated) return `${column} is generated, and the connector writes it`;
  return isRequired && !hasDefault && !needed.isFilled ? `${column} must be filled, and the connector does not fill it` : null;
}

/** Every table needs a number for its rows; other columns that are missing are added. */
function missingIds(columns: readonly Column[]): string[] {
  const found = new Set(columns.map(({ table }) => table));
  return [...found].flatMap((table) =>
    columns.some((column) => column.table === table && column.name === 'id') ? [] : [`${table} has no column id`],
  );
}

const patterns: Readonly<Record<Needed['type'], RegExp>> = {
  integer: /^integer$/,
  bigint: /^bigint$/,
  text: /^(text|character varying)$/,
  json: /^jsonb?$/,
  time: /^timestamp(\(\d\))? with(out)? time zone$/,
  boolean: /^boolean$/,
  texts: /^text\[\]$/,
};

function fits(type: string, { type: wanted, shortest = 0 }: Needed): boolean {
  const [, length] = /^character varying\((\d+)\)$/.exec(type) ?? [];
  return length === undefined ? patterns[wanted].test(type) : wanted === 'text' && Number(length) >= shortest;
}

function textOf({ type, shortest = 0 }: Needed): string {
  if (type === 'text') return shortest > 0 ? `text of ${shortest} or more characters` : 'text';
  return { integer: 'integer', bigint: 'bigint', json: 'jsonb', time: 'timestamp', boolean: 'boolean', texts: 'text[]' }[type];
}
