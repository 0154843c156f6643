import { Migration } from '@mikro-orm/migrations';

/** Adds what notices that a GitLab was restored from a backup. */
export class Restores extends Migration {
  override readonly name = '20261126020000-restores';

  override up(): void {
    this.addSql(`
      create table gitlab_landmarks (
        connection_id int not null,
        event_id text not null,
        project_id bigint not null,
        stream text not null,
        iid text not null,
        changed_at timestamptz not null,
        noted_at timestamptz not null default now(),
        is_listed boolean not null default true,
        primary key (connection_id, event_id),
        constraint gitlab_landmarks_connection_id_foreign foreign key (connection_id) references connections (id) on delete cascade
      )`);
    this.addSql('alter table gitlab_projects add column is_rewind_due boolean not null default false');
  }
}
