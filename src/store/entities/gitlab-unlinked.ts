import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabUnlinkedEntity',
  tableName: 'gitlab_unlinked',
  properties: {
    connectionId: () =>
      p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').primary().deleteRule('cascade').updateRule('no action'),
    /** `id` of the event in `change_events`. */
    changeEventId: p.integer().primary().autoincrement(false),
  },
});

/** An event to which a related event was added: the end of the pass links it, and deletes this row. Table `gitlab_unlinked`. */
export class GitlabUnlinkedEntity extends schema.class {}
schema.setClass(GitlabUnlinkedEntity);
