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
    /** The digest when GitLab described the tag last; null when it never did. */
    digest: p.text().nullable(),
    /** When the tag was last looked at; null when only the name is known. */
    lookedAt: p.datetime().columnType('timestamptz').nullable(),
    /** No event of the tag is stored, because of TAG_LIMIT, until it moves. */
    isLeftOut: p.boolean().default(false),
    /** GitLab could not describe the tag at the last look. */
    isBroken: p.boolean().default(false),
    /** Since when the tag points to the digest; null when since before the first look. */
    pushedAt: p.datetime().columnType('timestamptz').nullable(),
    /** The digest that the tag pointed to before; null when none was seen. */
    previousDigest: p.text().nullable(),
  },
});

/** A tag of a container repository, and when the tag was looked at. Table `gitlab_registry_tags`. */
export class GitlabRegistryTagEntity extends schema.class {}
schema.setClass(GitlabRegistryTagEntity);
