import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabPassLockEntity',
  tableName: 'gitlab_pass_locks',
  properties: {
    /** The pass's fencing number; a later pass has a higher one. */
    number: p.bigint('number').primary(),
    connectionId: () =>
      p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').deleteRule('cascade').updateRule('no action').index(),
    /** The projects that the pass reads, by id; null = the whole connection. */
    projectIds: p.array().columnType('text[]').nullable(),
    /** Key of the advisory lock of the session that holds the lock; null = no session: the embedded database. */
    holder: p.bigint('string').nullable(),
    /** When the pass took the lock, by the database's clock. */
    takenAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
  },
});

/** The last pass that took the lock of a connection, or of some of its projects: only that one may write, while its holder lives. Table `gitlab_pass_locks`. */
export class GitlabPassLockEntity extends schema.class {}
schema.setClass(GitlabPassLockEntity);
