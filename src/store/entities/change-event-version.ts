import { defineEntity, p } from '@mikro-orm/postgresql';
import { ChangeEventEntity } from './change-event.ts';

const schema = defineEntity({
  name: 'ChangeEventVersionEntity',
  tableName: 'change_event_versions',
  properties: {
    id: p.bigint('number').primary(),
    changeEventId: () => p.manyToOne(ChangeEventEntity).mapToPk().fieldName('change_event_id').deleteRule('cascade'),
    /** Counted from 1, the state in which the event was first seen. */
    version: p.integer(),
    /** The event's status in this version. */
    status: p.string().columnType('text'),
    /** Differences from the previous version: field -> { old, new }. Null in version 1. */
    changes: p.json<Record<string, { old: unknown; new: unknown }>>().nullable(),
    /** When the change happened, by GitLab's clock. */
    happenedAt: p.datetime().columnType('timestamptz'),
    /** When the connector read the change, by GitLab's clock. */
    seenAt: p.datetime().columnType('timestamptz'),
  },
  uniques: [{ properties: ['changeEventId', 'version'] }],
  indexes: [{ properties: ['happenedAt'] }, { properties: ['seenAt'] }],
});

/** One state in which an event was seen. Append-only. Table `change_event_versions`. */
export class ChangeEventVersionEntity extends schema.class {}
schema.setClass(ChangeEventVersionEntity);
