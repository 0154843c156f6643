import { defineEntity, p } from '@mikro-orm/postgresql';
import { ChangeEventEntity } from './change-event.ts';

const schema = defineEntity({
  name: 'ChangeEventVersionEntity',
  tableName: 'change_event_versions',
  properties: {
    id: p.bigint('number').primary(),
    changeEventId: () => p.manyToOne(ChangeEventEntity).mapToPk().fieldName('change_event_id').deleteRule('cascade'),
    /** Counts from 1, the first sight. */
    version: p.integer(),
    /** The event's status in this version. */
    status: p.string().columnType('text'),
    /** What differs from the version before: field -> { old, new }. Null in the first. */
    changes: p.json<Record<string, { old: unknown; new: unknown }>>().nullable(),
    /** When it happened, by GitLab's clock. */
    happenedAt: p.datetime().columnType('timestamptz'),
    /** When the connector saw it, by GitLab's clock. */
    seenAt: p.datetime().columnType('timestamptz'),
  },
  uniques: [{ properties: ['changeEventId', 'version'] }],
});

/** One state that an event was seen in. Append-only. Table `change_event_versions`. */
export class ChangeEventVersionEntity extends schema.class {}
schema.setClass(ChangeEventVersionEntity);
