import { Migration } from '@mikro-orm/migrations';

/** Adds the times that walks share in which a pass has found nothing. */
export class SharedTimes extends Migration {
  override readonly name = '20261128140000-shared-times';

  override up(): void {
    this.addSql(`
      create table gitlab_shared_times (
        id bigserial primary key,
        connection_id int not null,
        watermark timestamptz null,
        read_at timestamptz not null,
        constraint gitlab_shared_times_connection_id_foreign foreign key (connection_id) references connections (id) on delete cascade
      )`);
    this.addSql('create index gitlab_shared_times_connection_id_index on gitlab_shared_times (connection_id)');
    // No foreign key: a connection that is deleted takes the rows of both tables with it, in any order.
    this.addSql('alter table gitlab_stream_state add column shared_times_id bigint null');
    this.addSql('create index gitlab_stream_state_shared_times_id_index on gitlab_stream_state (shared_times_id)');
  }
}
