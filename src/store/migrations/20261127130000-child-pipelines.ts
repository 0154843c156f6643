import { Migration } from '@mikro-orm/migrations';

/** Adds since when child pipelines are to be read. */
export class ChildPipelines extends Migration {
  override readonly name = '20261127130000-child-pipelines';

  override up(): void {
    this.addSql('alter table gitlab_stream_state add children_since timestamptz null');
  }
}
