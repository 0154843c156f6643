import { Migration } from '@mikro-orm/migrations';

/** Adds the queue of events to which a related event was added: they are linked again. */
export class LinkQueue extends Migration {
  override readonly name = '20261128120000-link-queue';

  override up(): void {
    // No foreign key to change_events: a partitioned table has no key on its id alone.
    this.addSql(`
      create table gitlab_unlinked (
        connection_id int not null,
        change_event_id int not null,
        primary key (connection_id, change_event_id),
        constraint gitlab_unlinked_connection_id_foreign foreign key (connection_id) references connections (id) on delete cascade
      )`);
  }
}
