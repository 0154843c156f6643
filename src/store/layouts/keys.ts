import type { LayoutKind } from './layout.ts';

/** A unique index of change_events that holds for all rows. */
export interface UniqueKey {
  /** Of the index. */
  readonly name: string;
  /** Names of its columns; an expression is an empty name. */
  readonly columns: readonly string[];
}

/** Why unique keys cannot be used, one line each. A row is unique by its id, and by its connection with its event id; what holds one of them holds too. */
export function refusedKeys(kind: LayoutKind, keys: readonly UniqueKey[]): string[] {
  const allowed = [['id'], ['connection_id', 'event_id'], ...(kind === 'painchain-0.2' ? [['connection_id', 'external_id']] : [])];
  return keys
    .filter(({ columns }) => !allowed.some((key) => key.every((column) => columns.includes(column))))
    .map(({ columns, name }) => {
      const key = columns.includes('') ? name : `unique (${columns.join(', ')})`;
      return `change_events has the key ${key}, and the connector tells rows apart by connection_id and event_id: other connections may have the same`;
    });
}

/** A foreign key of change_events to another table than connections. */
export interface Reference {
  readonly name: string;
  readonly definition: string;
}

/** Why foreign keys cannot be used, one line each: the connector adds rows to no other table of PainChain. */
export const refusedReferences = (references: readonly Reference[]): string[] =>
  references.map(
    ({ name, definition }) => `change_events has the constraint ${name} (${definition}), and the connector knows no such table`,
  );
