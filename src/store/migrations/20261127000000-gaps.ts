import { Migration } from '@mikro-orm/migrations';

/** Adds the table of rows that could not be read or stored. */
export class Gaps extends Migration {
  override readonly name = '20261127000000-gaps';

  override up(): void {
    this.addSql(`
      create table gitlab_gaps (
        connection_id int not null,
        project_id bigint not null,
        stream text not null,
        scope text not null,
        key text not null,
        changed_at timestamptz null,
        is_missing boolean not null,
        breaks_lists boolean not null,
        since timestamptz not null,
        last_tried_at timestamptz not null,
        tries int not null,
        reason text not null,
        error_code text null,
        primary key (connection_id, project_id, stream, scope, key),
        constraint gitlab_gaps_connection_id_foreign foreign key (connection_id) references connections (id) on delete cascade
      )`);
  }
}
