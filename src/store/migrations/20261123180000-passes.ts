import { Migration } from '@mikro-orm/migrations';

/** Adds the table in which the poller stores the last pass over each connection. */
export class Passes extends Migration {
  override readonly name = '20261123180000-passes';

  override up(): void {
    this.addSql(`
      create table gitlab_passes (
        connection_id int primary key,
        started_at timestamptz not null,
        moved_at timestamptz not null,
        ended_at timestamptz,
        read_at timestamptz,
        result text,
        error text,
        failures int not null default 0,
        created_at timestamptz not null default now(),
        constraint gitlab_passes_connection_id_foreign foreign key (connection_id) references connections (id) on delete cascade
      )`);
  }
}
