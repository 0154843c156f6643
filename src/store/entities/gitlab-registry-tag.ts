import { defineEntity, p } from '@mikro-orm/postgresql';
import { GitlabProjectEntity } from './gitlab-project.ts';

const schema = defineEntity({
  name: 'GitlabRegistryTagEntity',
  tableName: 'gitlab_registry_tags',
  properties: {
    project: () =>
      p
        .manyToOne(GitlabProjectEntity)
        .mapToPk()
        .primary()
        .fieldNames('connection_id', 'project_id')
        .deleteRule('cascade')
        .updateRule('no action'),
    repositoryId: p.bigint('number').primary().autoincrement(false),
    name: p.string().columnType('text').primary(),
    /** What the tag pointed to at the last look; null when it was never looked at, or could not be described. */
    digest: p.text().nullable(),
    /** Null: known by name only, left out by TAG_LIMIT. */
    lookedAt: p.datetime().columnType('timestamptz').nullable(),
  },
});

/** A tag of a container repository, and when it was looked at. Table `gitlab_registry_tags`. */
export class GitlabRegistryTagEntity extends schema.class {}
schema.setClass(GitlabRegistryTagEntity);
