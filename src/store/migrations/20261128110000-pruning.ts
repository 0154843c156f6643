import { Migration } from '@mikro-orm/migrations';

/** Says of each project from when on its history is complete, after older versions or events were deleted. */
export class Pruning extends Migration {
  override readonly name = '20261128110000-pruning';

  override up(): void {
    this.addSql('alter table gitlab_projects add column history_pruned_before timestamptz, add column events_pruned_before timestamptz');
  }
}
