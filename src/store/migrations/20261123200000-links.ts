import { Migration } from '@mikro-orm/migrations';

/**
 * Makes linking fast in large tables. Switches off the list of pending keys of the GIN index, which every search would scan,
 * and adds an index of the events that are not linked yet.
 */
export class Links extends Migration {
  override readonly name = '20261123200000-links';

  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

// In a partitioned table the indexes have other names, and got these options when they were created (docs/scaling.md).
const statements = [
  'alter index if exists change_events_link_keys_index set (fastupdate = off)',
  `select gin_clean_pending_list(oid) from pg_class where oid = to_regclass('change_events_link_keys_index')`,
  'drop index if exists change_events_is_unlinked_index',
  'create index change_events_is_unlinked_index on change_events (connection_id, id) where is_unlinked',
];
