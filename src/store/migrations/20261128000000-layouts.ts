import { Migration } from '@mikro-orm/migrations';
import { assertUsable, readLayout } from '../layouts/layout.ts';
import { painchain02Columns } from '../layouts/painchain-0-2.ts';
import { timelineView } from './timeline-view.ts';

/** Adds what the connector needs in the tables of PainChain 0.2. Refuses tables in which nothing could be stored: all migrations are then undone. */
export class Layouts extends Migration {
  override readonly name = '20261128000000-layouts';

  override async up(): Promise<void> {
    const layout = await readLayout((statement) => this.execute(statement));
    assertUsable(layout, 'tables of this database');
    if (layout.kind !== 'painchain-0.2') return;
    for (const statement of [...painchain02Columns, ...timelineView('description_json')]) this.addSql(statement);
  }
}
