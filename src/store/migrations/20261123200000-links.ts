import { Migration } from '@mikro-orm/migrations';

/**
 * Makes linking quick in large tables: no list of pending keys, through which every search has to go, and an index
 * that gives the events that are not linked yet in their order.
 */
export class Links extends Migration {
  override readonly name = '20261123200000-links';

  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

// Whoever has partitioned the table has given its indexes other names, and these options with them.
const statements = [
  'alter index if exists change_events_link_keys_index set (fastupdate = off)',
  `select gin_clean_pending_list(oid) from pg_class where oid = to_regclass('change_events_link_keys_index')`,
  'drop index if exists change_events_is_unlinked_index',
  'create index change_events_is_unlinked_index on change_events (connection_id, id) where is_unlinked',
];
