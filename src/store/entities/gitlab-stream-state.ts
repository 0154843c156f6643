import { defineEntity, p } from '@mikro-orm/postgresql';
import { GitlabProjectEntity } from './gitlab-project.ts';

const schema = defineEntity({
  name: 'GitlabStreamStateEntity',
  tableName: 'gitlab_stream_state',
  properties: {
    project: () =>
      p
        .manyToOne(GitlabProjectEntity)
        .mapToPk()
        .primary()
        .fieldNames('connection_id', 'project_id')
        .deleteRule('cascade')
        .updateRule('no action'),
    /** Name of the stream, such as `merge-requests`. */
    stream: p.string().columnType('text').primary(),
    /** A branch or a container repository where the stream has several walks; else empty. */
    scope: p.string().columnType('text').primary(),
    /** The branches that the walk reads, separated by commas; empty = all. Read by earlier versions, which do not know `coverage`. */
    selection: p.text(),
    /** The branches that the walk reads, and the branches that the walk read before with their progress. Null in rows of earlier versions. */
    coverage: p.json<Record<string, unknown>>().nullable(),
    /** Everything that GitLab changed before this moment is stored. GitLab's clock, less the overlap. */
    watermark: p.datetime().columnType('timestamptz').nullable(),
    /** The place at which an unfinished walk continues. GitLab's cursor. */
    cursor: p.text().nullable(),
    /** When the unfinished walk began, by GitLab's clock. */
    walkStartedAt: p.datetime().columnType('timestamptz').nullable(),
    /** The newest commit whose history is stored. */
    frontier: p.text().nullable(),
    /** Child pipelines that changed since this moment are to be read; null when there are none. */
    childrenSince: p.datetime().columnType('timestamptz').nullable(),
    /** Everything from this moment on is stored; 1970 = everything. Null until the first backfill has ended. */
    depth: p.datetime().columnType('timestamptz').nullable(),
    /** How far the backfill has come. */
    backfill: p.json<Record<string, unknown>>().nullable(),
    /** `ok`, `partial`, `disabled`, `forbidden`, `gone`, `failed` or `off`. */
    outcome: p.string().columnType('text'),
    /** Why the outcome is not `ok`, in one line. */
    error: p.text().nullable(),
    lastAttemptAt: p.datetime().columnType('timestamptz'),
    /** Last time the walk ended `ok`. */
    lastSuccessAt: p.datetime().columnType('timestamptz').nullable(),
    /** The row of `gitlab_shared_times` that has later times; null = the times of this row hold. */
    sharedTimesId: p.bigint('string').nullable().index(),
  },
});

/** Progress and coverage of one stream of one project. Table `gitlab_stream_state`. */
export class GitlabStreamStateEntity extends schema.class {}
schema.setClass(GitlabStreamStateEntity);
