import { Migration } from '@mikro-orm/migrations';
import { readLayout } from '../layouts/layout.ts';
import { timelineView } from './timeline-view.ts';

/** Gives the timeline lines for deployments, and the metadata of the events. */
export class Deployments extends Migration {
  override readonly name = '20261128130000-deployments';

  override async up(): Promise<void> {
    const { kind } = await readLayout((statement) => this.execute(statement));
    for (const statement of timelineView(kind === 'painchain-0.2' ? 'description_json' : 'description')) this.addSql(statement);
  }
}
