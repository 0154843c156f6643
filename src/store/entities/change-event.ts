import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'ChangeEventEntity',
  tableName: 'change_events',
  properties: {
    id: p.integer().primary(),
    connectionId: () => p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').nullable().deleteRule('cascade').index(),
    /** Always `gitlab` here; other connectors of PainChain write other sources. */
    source: p.string().columnType('text').index(),
    /** Stable key within a connection, such as `mr-{path}-{iid}`. */
    eventId: p.string().columnType('text'),
    /** Starts with `[MR]`, `[Pipeline]`, `[Release]`, `[Commit]` or `[Image]`. */
    title: p.text(),
    description: p.json<Record<string, unknown>>().nullable(),
    author: p.string().columnType('text').index(),
    /** When the change happened, by GitLab's clock. */
    timestamp: p.datetime().columnType('timestamptz'),
    url: p.text(),
    status: p.string().columnType('text').index(),
    eventMetadata: p.json<Record<string, unknown>>().fieldName('metadata').nullable(),
    /** When the row was first stored. */
    createdAt: p.datetime().columnType('timestamptz').nullable().defaultRaw('now()'),
    /** When the connector last inserted or changed the row; null on rows that an older connector stored. */
    updatedAt: p.datetime().columnType('timestamptz').nullable(),
    /** GitLab's id of the project; null on rows that an older connector stored. */
    projectId: p.bigint('number').nullable(),
    /** Name of the stream, such as `merge-requests`; null on rows that an older connector stored. */
    stream: p.string().columnType('text').nullable(),
    /** Keys such as `12:sha:…`. Events that share a key are linked. */
    linkKeys: p.array().columnType('text[]').nullable(),
    /** Whether the event still has to be linked. */
    isUnlinked: p.boolean().default(false),
  },
  uniques: [{ properties: ['connectionId', 'eventId'] }],
  indexes: [
    { properties: ['timestamp'], columns: [{ name: 'timestamp', sort: 'desc' }] },
    { properties: ['connectionId', 'projectId', 'stream'] },
    { properties: ['linkKeys'], type: 'gin' },
    { properties: ['connectionId', 'id'], name: 'change_events_is_unlinked_index', where: 'is_unlinked' },
  ],
});

/** One change: a merge request, pipeline, release, commit or image in its current state. Table `change_events`. */
export class ChangeEventEntity extends schema.class {}
schema.setClass(ChangeEventEntity);
