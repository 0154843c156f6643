import { Migration } from '@mikro-orm/migrations';

/** Adds since when a container tag points to its image, and to which one it pointed before; and indexes for windows of the timeline. */
export class TagPushes extends Migration {
  override readonly name = '20261127120000-tag-pushes';

  override up(): void {
    this.addSql(`
      alter table gitlab_registry_tags
        add is_left_out boolean not null default false,
        add is_broken boolean not null default false,
        add pushed_at timestamptz null,
        add previous_digest text null`);
    this.addSql('update gitlab_registry_tags set is_left_out = true where looked_at is null');
    // A tag that could not be described had lost its digest.
    this.addSql('update gitlab_registry_tags set is_broken = true where digest is null and looked_at is not null');
    // Rows of earlier versions say nothing of it. Where it is not known, it is true until the tag is looked at.
    this.addSql(`
      update change_events e set metadata = jsonb_set(e.metadata::jsonb, '{is_current}', to_jsonb(coalesce(t.digest = e.metadata::jsonb ->> 'digest', true)))
      from gitlab_registry_tags t
      where e.stream = 'registry-images' and e.connection_id = t.connection_id and e.project_id = t.project_id
        and t.repository_id = (e.metadata::jsonb ->> 'repository_id')::bigint and t.name = e.metadata::jsonb ->> 'tag'`);
    this.addSql('create index change_event_versions_happened_at_index on change_event_versions (happened_at)');
    this.addSql('create index change_event_versions_seen_at_index on change_event_versions (seen_at)');
  }
}
