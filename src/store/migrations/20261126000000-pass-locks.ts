import { Migration } from '@mikro-orm/migrations';

/** Adds the fencing numbers of passes. */
export class PassLocks extends Migration {
  override readonly name = '20261126000000-pass-locks';

  override up(): void {
    this.addSql(`
      create table gitlab_pass_locks (
        number bigserial primary key,
        connection_id int not null,
        project_ids text[],
        taken_at timestamptz not null default now(),
        constraint gitlab_pass_locks_connection_id_foreign foreign key (connection_id) references connections (id) on delete cascade
      )`);
    this.addSql('create index gitlab_pass_locks_connection_id_index on gitlab_pass_locks (connection_id)');
  }
}
