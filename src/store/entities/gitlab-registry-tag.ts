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
    /** The digest when the tag was last looked at; null when the tag was never looked at, or GitLab could not describe it. */
    digest: p.text().nullable(),
    /** When the tag was last looked at; null when only the name is known, because of TAG_LIMIT. */
    lookedAt: p.datetime().columnType('timestamptz').nullable(),
  },
});

/** A tag of a container repository, and when the tag was looked at. Table `gitlab_registry_tags`. */
export class GitlabRegistryTagEntity extends schema.class {}
schema.setClass(GitlabRegistryTagEntity);
