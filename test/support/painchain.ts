/** PainChain's tables, as PainChain's own connector creates them. */
export const painchainTables = `
  create table connections (
    id serial primary key, name varchar(100), type varchar(50), config jsonb, enabled boolean default true, tags text,
    last_sync timestamp, created_at timestamp default now(), updated_at timestamp default now()
  );
  create table change_events (
    id serial primary key, connection_id int references connections (id) on delete cascade, source varchar(50) not null,
    event_id varchar(255) not null, title text not null, description jsonb, author varchar(255) not null,
    "timestamp" timestamp not null, url text not null, status varchar(50) not null, metadata jsonb,
    created_at timestamp default now(), unique (connection_id, event_id)
  );
  create index ix_change_events_connection_id on change_events (connection_id);
  create index ix_change_events_source on change_events (source);
  create index ix_change_events_timestamp on change_events ("timestamp" desc);
  create index ix_change_events_status on change_events (status);
  create index ix_change_events_author on change_events (author);
`;
