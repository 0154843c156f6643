import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabPassEntity',
  tableName: 'gitlab_passes',
  properties: {
    connectionId: () =>
      p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').primary().deleteRule('cascade').updateRule('no action'),
    /** Start of the last pass. All times here are the database's, so that replicas agree. */
    startedAt: p.datetime().columnType('timestamptz'),
    /** Last time that a pass came on: a project, or a page, was read. */
    movedAt: p.datetime().columnType('timestamptz'),
    /** Null while it runs, or when its process was stopped or died. */
    endedAt: p.datetime().columnType('timestamptz').nullable(),
    /** Start of the last pass that read the connection: what is stored is at least as new. */
    readAt: p.datetime().columnType('timestamptz').nullable(),
    /** How the last pass that has ended did: `ok`, `incomplete`, `busy`, `configuration`, `gitlab`, `database` or `error`. */
    result: p.text().nullable(),
    /** Why the result is not `ok`, in one line. */
    error: p.text().nullable(),
    /** Passes since the last one that read the connection; the present one counts. */
    failures: p.integer().default(0),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
});

/** The last pass of the poller over a connection. Table `gitlab_passes`. */
export class GitlabPassEntity extends schema.class {}
schema.setClass(GitlabPassEntity);
