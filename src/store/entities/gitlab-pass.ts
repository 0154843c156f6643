import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabPassEntity',
  tableName: 'gitlab_passes',
  properties: {
    connectionId: () =>
      p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').primary().deleteRule('cascade').updateRule('no action'),
    /** Start of the last pass. All times of this table are from the database's clock, which replicas share. */
    startedAt: p.datetime().columnType('timestamptz'),
    /** Last time that a pass made progress: a project or a page was read. */
    movedAt: p.datetime().columnType('timestamptz'),
    /** Null while the pass runs, and when its process was stopped or died. */
    endedAt: p.datetime().columnType('timestamptz').nullable(),
    /** Start of the last pass that read the connection. Everything that changed before is stored. */
    readAt: p.datetime().columnType('timestamptz').nullable(),
    /** Result of the last pass that has ended: `ok`, `incomplete`, `busy`, `configuration`, `gitlab`, `database` or `error`. */
    result: p.text().nullable(),
    /** Why the result is not `ok`, in one line. */
    error: p.text().nullable(),
    /** Number of passes since the last pass that read the connection, with the current pass. */
    failures: p.integer().default(0),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
});

/** The last pass of the poller over a connection. Table `gitlab_passes`. */
export class GitlabPassEntity extends schema.class {}
schema.setClass(GitlabPassEntity);
