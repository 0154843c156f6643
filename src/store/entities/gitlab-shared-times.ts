import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabSharedTimesEntity',
  tableName: 'gitlab_shared_times',
  properties: {
    id: p.bigint('string').primary(),
    connectionId: () =>
      p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').deleteRule('cascade').updateRule('no action').index(),
    /** The earliest watermark of the walks that share it; null when none has a watermark. */
    watermark: p.datetime().columnType('timestamptz').nullable(),
    /** When they were read last. */
    readAt: p.datetime().columnType('timestamptz'),
  },
});

/** The times of walks in which a pass has found nothing: it writes this row and none of theirs. Table `gitlab_shared_times`. */
export class GitlabSharedTimesEntity extends schema.class {}
schema.setClass(GitlabSharedTimesEntity);
