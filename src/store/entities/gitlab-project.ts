import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabProjectEntity',
  tableName: 'gitlab_projects',
  properties: {
    connectionId: () => p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').primary().deleteRule('cascade'),
    /** GitLab's number; the project's identity, whatever its path. */
    projectId: p.bigint('number').primary().autoincrement(false),
    /** The path in its event ids: the one under which it was first stored. Never changes. */
    eventPath: p.text(),
    /** The path it has now. */
    fullPath: p.text(),
    webUrl: p.text(),
    /** Start of the last pass that GitLab returned it in. */
    lastSeenAt: p.datetime().columnType('timestamptz'),
    /** Last time that everything was read again that GitLab leaves no trace of. */
    reconciledAt: p.datetime().columnType('timestamptz'),
    /** Since when GitLab does not return it any more; null while it does. */
    goneAt: p.datetime().columnType('timestamptz').nullable(),
    /** Since when it is not among the projects to read; null while it is. */
    unselectedAt: p.datetime().columnType('timestamptz').nullable(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
  uniques: [{ properties: ['connectionId', 'eventPath'] }],
});

/** A project that a connection has read at least once. Table `gitlab_projects`. */
export class GitlabProjectEntity extends schema.class {}
schema.setClass(GitlabProjectEntity);
