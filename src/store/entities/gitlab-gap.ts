import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabGapEntity',
  tableName: 'gitlab_gaps',
  properties: {
    connectionId: () =>
      p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').primary().deleteRule('cascade').updateRule('no action'),
    projectId: p.bigint('number').primary(),
    stream: p.text().primary(),
    /** The container repository; else empty. */
    scope: p.text().primary(),
    /** What names the row in its list: its number in the project, the name of a tag, a sha. Empty = the list as a whole. */
    key: p.text().primary(),
    /** When GitLab had changed the row last. Null where GitLab does not say. */
    changedAt: p.datetime().columnType('timestamptz').nullable(),
    /** Whether nothing of the row could be stored; else some of its fields are unknown. */
    isMissing: p.boolean(),
    /** Whether GitLab fails on every list with this row in it. */
    breaksLists: p.boolean(),
    /** When the row failed first. */
    since: p.datetime().columnType('timestamptz'),
    lastTriedAt: p.datetime().columnType('timestamptz'),
    tries: p.integer(),
    /** One line. */
    reason: p.text(),
    /** The code of the error behind the reason. */
    errorCode: p.text().nullable(),
  },
});

/** A row that GitLab or the database did not give or take, or not completely. It is deleted when the row is read. Table `gitlab_gaps`. */
export class GitlabGapEntity extends schema.class {}
schema.setClass(GitlabGapEntity);
