/** PainChain's tables, as each of its versions creates them. */
export type PainchainVersion = '0.1' | '0.2';

/** Those of 0.1: its init.sql. */
export const painchainTables = `
  create table connections (
    id serial primary key, name varchar(100) not null, type varchar(50) not null, config jsonb not null, enabled boolean default true, tags text,
    last_sync timestamp, created_at timestamp default current_timestamp, updated_at timestamp default current_timestamp
  );
  create index idx_connections_type on connections (type);
  create index idx_connections_enabled on connections (enabled);
  create table change_events (
    id serial primary key, connection_id integer references connections (id) on delete cascade, source varchar(50) not null,
    event_id varchar(255) not null, title text not null, description jsonb, author varchar(255) not null,
    "timestamp" timestamp not null, url text not null, status varchar(50) not null, metadata jsonb,
    created_at timestamp default current_timestamp, unique (connection_id, event_id)
  );
  create index idx_change_events_connection_id on change_events (connection_id);
  create index idx_change_events_source on change_events (source);
  create index idx_change_events_timestamp on change_events ("timestamp" desc);
  create index idx_change_events_status on change_events (status);
  create index idx_change_events_author on change_events (author);
  create table teams (
    id serial primary key, name varchar(100) not null unique, tags jsonb not null,
    created_at timestamp default current_timestamp, updated_at timestamp default current_timestamp
  );
  create index idx_teams_name on teams (name)`;

/** Those of 0.2: Prisma's first migration. */
export const painchain02Tables = `
  create table "change_events" (
    "id" serial not null, "connection_id" integer not null, "external_id" text, "source" text not null, "event_type" text not null,
    "title" text not null, "description" text, "timestamp" timestamp(3) not null, "url" text, "status" text,
    "metadata" jsonb not null default '{}', "event_metadata" jsonb not null default '{}',
    "created_at" timestamp(3) not null default current_timestamp, "updated_at" timestamp(3) not null,
    constraint "change_events_pkey" primary key ("id")
  );
  create table "connections" (
    "id" serial not null, "name" text not null, "type" text not null, "config" jsonb not null, "enabled" boolean not null default true,
    "tags" text, "last_sync" timestamp(3), "created_at" timestamp(3) not null default current_timestamp, "updated_at" timestamp(3) not null,
    constraint "connections_pkey" primary key ("id")
  );
  create table "teams" (
    "id" serial not null, "name" text not null, "description" text, "tags" text[] default array[]::text[],
    "created_at" timestamp(3) not null default current_timestamp, "updated_at" timestamp(3) not null,
    constraint "teams_pkey" primary key ("id")
  );
  create table "team_connections" (
    "id" serial not null, "team_id" integer not null, "connection_id" integer not null, constraint "team_connections_pkey" primary key ("id")
  );
  create index "change_events_connection_id_idx" on "change_events" ("connection_id");
  create index "change_events_source_idx" on "change_events" ("source");
  create index "change_events_event_type_idx" on "change_events" ("event_type");
  create index "change_events_timestamp_idx" on "change_events" ("timestamp");
  create unique index "change_events_connection_id_external_id_key" on "change_events" ("connection_id", "external_id");
  create unique index "teams_name_key" on "teams" ("name");
  create unique index "team_connections_team_id_connection_id_key" on "team_connections" ("team_id", "connection_id");
  alter table "change_events" add constraint "change_events_connection_id_fkey"
    foreign key ("connection_id") references "connections" ("id") on delete cascade on update cascade;
  alter table "team_connections" add constraint "team_connections_team_id_fkey"
    foreign key ("team_id") references "teams" ("id") on delete cascade on update cascade;
  alter table "team_connections" add constraint "team_connections_connection_id_fkey"
    foreign key ("connection_id") references "connections" ("id") on delete cascade on update cascade`;

/** The statements of a text, one each. */
export const statementsOf = (text: string): string[] => text.split(';').filter((statement) => statement.trim() !== '');
