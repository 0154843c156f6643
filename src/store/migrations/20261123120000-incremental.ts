import { Migration } from '@mikro-orm/migrations';

/**
 * Adds what incremental passes store: the history of events, link keys, the state of each walk, and the tags that were looked
 * at. The next pass reads everything once more, because earlier passes stored no state.
 */
export class Incremental extends Migration {
  override readonly name = '20261123120000-incremental';

  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  `alter table change_events
    add column link_keys text[],
    add column is_unlinked boolean not null default false`,
  'create index change_events_link_keys_index on change_events using gin (link_keys)',
  'create index change_events_is_unlinked_index on change_events (connection_id) where is_unlinked',
  `create table change_event_versions (
    id bigserial primary key,
    change_event_id int not null,
    version int not null,
    status text not null,
    changes jsonb,
    happened_at timestamptz not null,
    seen_at timestamptz not null,
    constraint change_event_versions_change_event_id_version_unique unique (change_event_id, version),
    constraint change_event_versions_change_event_id_foreign foreign key (change_event_id) references change_events (id) on delete cascade
  )`,
  'delete from gitlab_stream_state',
  `alter table gitlab_stream_state
    add column selection text not null,
    add column depth timestamptz,
    add column backfill jsonb`,
  `alter table gitlab_projects
    add column reconciled_at timestamptz not null default now(),
    add column gone_at timestamptz,
    add column unselected_at timestamptz`,
  'alter table gitlab_projects alter column reconciled_at drop default',
  `create table gitlab_registry_tags (
    connection_id int not null,
    project_id bigint not null,
    repository_id bigint not null,
    name text not null,
    digest text,
    looked_at timestamptz,
    primary key (connection_id, project_id, repository_id, name),
    constraint gitlab_registry_tags_connection_id_project_id_foreign
      foreign key (connection_id, project_id) references gitlab_projects (connection_id, project_id) on delete cascade
  )`,
];
