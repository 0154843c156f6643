import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabProjectEntity',
  tableName: 'gitlab_projects',
  properties: {
    connectionId: () => p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').primary().deleteRule('cascade'),
    /** GitLab's id of the project, which does not change when the path changes. */
    projectId: p.bigint('number').primary().autoincrement(false),
    /** The path in event ids: the path under which the project was first stored. Never changes. */
    eventPath: p.text(),
    /** The current path. */
    fullPath: p.text(),
    webUrl: p.text(),
    /** When a pass that wrote this row saw the project. Its walks may have been read later. */
    lastSeenAt: p.datetime().columnType('timestamptz'),
    /** Last time that the project was reconciled: everything that changes without a trace was read again. */
    reconciledAt: p.datetime().columnType('timestamptz'),
    /** Since when GitLab no longer returns the project; null while GitLab returns it. */
    goneAt: p.datetime().columnType('timestamptz').nullable(),
    /** Since when the settings no longer select the project; null while they select it. */
    unselectedAt: p.datetime().columnType('timestamptz').nullable(),
    /** Whether the walks are to begin again from before GitLab was restored from a backup. */
    isRewindDue: p.boolean().default(false),
    /** Versions that were read before this moment were deleted, but for the last of each event; null = none was. */
    historyPrunedBefore: p.datetime().columnType('timestamptz').nullable(),
    /** Events that ended before this moment were deleted, and are not stored again; null = none was. */
    eventsPrunedBefore: p.datetime().columnType('timestamptz').nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
  uniques: [{ properties: ['connectionId', 'eventPath'] }],
});

/** A project that a connection has read at least once. Table `gitlab_projects`. */
export class GitlabProjectEntity extends schema.class {}
schema.setClass(GitlabProjectEntity);
