import { Migration } from '@mikro-orm/migrations';
import { timelineView } from './timeline-view.ts';

/** Adds the view `gitlab_timeline`. */
export class Timeline extends Migration {
  override readonly name = '20261127140000-timeline';

  override up(): void {
    for (const statement of timelineView('description')) this.addSql(statement);
  }
}
