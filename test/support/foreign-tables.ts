import { painchain02Tables, painchainTables } from './painchain.ts';

/** Tables that somebody else has made, and what `migrate` says of them. */
export const foreignTables: ReadonlyArray<readonly [what: string, tables: string, reason: string]> = [
  [
    'a required column that nobody fills',
    `${painchainTables}; alter table change_events add column tenant text not null`,
    'the column tenant of change_events must be filled, and the connector does not know it',
  ],
  [
    'a required column in the tables of 0.2',
    `${painchain02Tables}; alter table change_events add column severity text not null`,
    'the column severity of change_events must be filled, and the connector does not know it',
  ],
  [
    'a required column of connections',
    `${painchain02Tables}; alter table connections add column owner_id integer not null`,
    'the column owner_id of connections must be filled, and the connector does not know it',
  ],
  [
    'a table of the same name of another program',
    'create table connections (id serial primary key, from_user integer not null, to_user integer not null)',
    'the column from_user of connections must be filled, and the connector does not know it; the column to_user of connections must be filled',
  ],
  [
    'ids that are no numbers',
    'create table connections (id uuid primary key default gen_random_uuid(), name text, type text, config jsonb)',
    'the column id of connections is uuid, and must be integer',
  ],
  ['a table without ids', 'create table change_events (event_id text not null, title text)', 'change_events has no column id'],
  [
    'a description of text in tables that are not those of 0.2',
    painchainTables.replace('description jsonb', 'description text'),
    'the column description of change_events is text, and must be jsonb',
  ],
  [
    'a column too short for event ids',
    painchainTables.replace('event_id varchar(255)', 'event_id varchar(100)'),
    'the column event_id of change_events is character varying(100), and must be text of 255 or more characters',
  ],
  [
    'a status of a type of its own',
    `create type state as enum ('opened'); ${painchainTables.replace('status varchar(50)', 'status state')}`,
    'the column status of change_events is state, and must be text of 30 or more characters',
  ],
  [
    'a generated column',
    painchainTables.replace('author varchar(255) not null', `author text generated always as (metadata ->> 'author') stored`),
    'the column author of change_events is generated, and the connector writes it',
  ],
  [
    'a key of source and event id',
    painchainTables.replace('unique (connection_id, event_id)', 'unique (source, event_id)'),
    'change_events has the key unique (source, event_id), and the connector tells rows apart by connection_id and event_id',
  ],
  [
    'a key of an expression',
    `${painchainTables}; create unique index on change_events (lower(event_id))`,
    'change_events has the key change_events_lower_idx',
  ],
  [
    'a key of another table',
    `create table people (name text primary key); ${painchainTables.replace('author varchar(255) not null', 'author text not null references people')}`,
    'change_events has the constraint change_events_author_fkey (FOREIGN KEY (author) REFERENCES people(name)), and the connector knows no such table',
  ],
  [
    'a view in place of the table',
    `create table events (id serial primary key, title text); create view change_events as select * from events`,
    'change_events is not a table',
  ],
];
