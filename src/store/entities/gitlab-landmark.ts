import { defineEntity, p } from '@mikro-orm/postgresql';
import { ConnectionEntity } from './connection.ts';

const schema = defineEntity({
  name: 'GitlabLandmarkEntity',
  tableName: 'gitlab_landmarks',
  properties: {
    connectionId: () =>
      p.manyToOne(ConnectionEntity).mapToPk().fieldName('connection_id').primary().deleteRule('cascade').updateRule('no action'),
    eventId: p.text().primary(),
    projectId: p.bigint('number'),
    stream: p.text(),
    /** The number of the row in its project, as GitLab's queries take it. */
    iid: p.text(),
    /** When GitLab changed the row last. */
    changedAt: p.datetime().columnType('timestamptz'),
    /** When the pass began that made the row a landmark, by the database's clock. The row was stored earlier. */
    notedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    /** False: a pass did not find the row in its lists, and asked for it. Later passes do not ask again. */
    isListed: p.boolean().default(true),
  },
});

/**
 * A row that was among the last to change when the last pass ended. A GitLab that has the row with an earlier time of change was restored
 * from a backup. Table `gitlab_landmarks`.
 */
export class GitlabLandmarkEntity extends schema.class {}
schema.setClass(GitlabLandmarkEntity);
