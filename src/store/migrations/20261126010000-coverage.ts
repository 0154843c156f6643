import { Migration } from '@mikro-orm/migrations';

/** Adds what each walk has read of which branches. Rows of earlier versions have it in `selection`. */
export class Coverage extends Migration {
  override readonly name = '20261126010000-coverage';

  override up(): void {
    this.addSql('alter table gitlab_stream_state add column coverage jsonb');
  }
}
