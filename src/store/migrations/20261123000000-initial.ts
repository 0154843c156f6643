import { Migration } from '@mikro-orm/migrations';

/**
 * Creates the four tables. Where PainChain's `connections` and `change_events` exist, adds the missing columns, the missing
 * unique key and the missing index, and changes no type of a column.
 */
export class Initial extends Migration {
  override readonly name = '20261123000000-initial';

  override async up(): Promise<void> {
    if (await this.#exists('connections')) this.#adopt('connections', connectionColumns);
    else this.#create('connections', connectionColumns);
    if (await this.#exists('change_events')) await this.#adoptEvents();
    else this.#createEvents();
    this.addSql(createProjects);
    this.addSql(createStreamState);
  }

  async #exists(table: string): Promise<boolean> {
    const [row] = await this.execute('select to_regclass(?) is not null as found', [table]);
    return (row as { found: boolean }).found;
  }

  #create(table: string, columns: readonly string[]): void {
    this.addSql(`create table ${table} (${columns.join(', ')})`);
  }

  #adopt(table: string, columns: readonly string[]): void {
    const additions = columns.slice(1).map((column) => `add column if not exists ${column.replace(' not null', '')}`);
    this.addSql(`alter table ${table} ${additions.join(', ')}`);
  }

  #createEvents(): void {
    this.#create('change_events', [...eventColumns, addedEventColumns].flat());
    this.addSql(uniqueEventId);
    this.addSql(eventProjectIndex);
    this.addSql('create index change_events_connection_id_index on change_events (connection_id)');
    this.addSql('create index change_events_source_index on change_events (source)');
    this.addSql('create index change_events_author_index on change_events (author)');
    this.addSql('create index change_events_status_index on change_events (status)');
    this.addSql('create index change_events_timestamp_index on change_events ("timestamp" desc)');
  }

  async #adoptEvents(): Promise<void> {
    this.#adopt('change_events', [...eventColumns, ...addedEventColumns]);
    const [row] = await this.execute(findUniqueEventId);
    if (!row) this.addSql(uniqueEventId);
    this.addSql(eventProjectIndex);
  }
}

const connectionColumns = [
  'id serial primary key',
  'name text not null',
  'type text not null',
  'config jsonb',
  'enabled boolean default true',
  'tags text',
  'last_sync timestamptz',
  'created_at timestamptz default now()',
  'updated_at timestamptz default now()',
];

const eventColumns = [
  'id serial primary key',
  'connection_id int constraint change_events_connection_id_foreign references connections (id) on delete cascade',
  'source text not null',
  'event_id text not null',
  'title text not null',
  'description jsonb',
  'author text not null',
  '"timestamp" timestamptz not null',
  'url text not null',
  'status text not null',
  'metadata jsonb',
  'created_at timestamptz default now()',
];

const addedEventColumns = ['updated_at timestamptz', 'project_id bigint', 'stream text'];

const uniqueEventId =
  'alter table change_events add constraint change_events_connection_id_event_id_unique unique (connection_id, event_id)';

const eventProjectIndex =
  'create index change_events_connection_id_project_id_stream_index on change_events (connection_id, project_id, stream)';

/** Any unique index over exactly (connection_id, event_id), in either order, whatever its name. */
const findUniqueEventId = `
  select 1 from pg_index i
  where i.indrelid = to_regclass('change_events') and i.indisunique and i.indpred is null and i.indnkeyatts = 2
    and (select array_agg(a.attname::text order by a.attname) from pg_attribute a
         where a.attrelid = i.indrelid and a.attnum = any (i.indkey)) = array['connection_id', 'event_id']`;

const createProjects = `
  create table gitlab_projects (
    connection_id int not null,
    project_id bigint not null,
    event_path text not null,
    full_path text not null,
    web_url text not null,
    last_seen_at timestamptz not null,
    created_at timestamptz not null default now(),
    primary key (connection_id, project_id),
    constraint gitlab_projects_connection_id_event_path_unique unique (connection_id, event_path),
    constraint gitlab_projects_connection_id_foreign foreign key (connection_id) references connections (id) on delete cascade
  )`;

const createStreamState = `
  create table gitlab_stream_state (
    connection_id int not null,
    project_id bigint not null,
    stream text not null,
    scope text not null,
    watermark timestamptz,
    cursor text,
    walk_started_at timestamptz,
    frontier text,
    outcome text not null,
    error text,
    last_attempt_at timestamptz not null,
    last_success_at timestamptz,
    primary key (connection_id, project_id, stream, scope),
    constraint gitlab_stream_state_connection_id_project_id_foreign
      foreign key (connection_id, project_id) references gitlab_projects (connection_id, project_id) on delete cascade
  )`;
