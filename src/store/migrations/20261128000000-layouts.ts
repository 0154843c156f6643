import { Migration } from '@mikro-orm/migrations';
import { assertUsable, readLayout } from '../layouts/layout.ts';
import { painchain02Columns } from '../layouts/painchain-0-2.ts';
import { timelineView } from './timeline-view.ts';

/** Earlier versions stored the location of an image, which no browser can open, as its url. */
const imageLinks = `
  update change_events e set
    url = p.web_url || '/-/container_registry/' || (e.metadata::jsonb ->> 'repository_id'),
    metadata = jsonb_set(e.metadata::jsonb, '{location}', to_jsonb(e.url))
  from gitlab_projects p
  where e.stream = 'registry-images' and p.connection_id = e.connection_id and p.project_id = e.project_id
    and e.metadata::jsonb ? 'repository_id' and not e.metadata::jsonb ? 'location'`;

/** Gives images the page of their repository as url. Adds what the connector needs in the tables of PainChain 0.2. Refuses tables in which nothing could be stored: all migrations are then undone. */
export class Layouts extends Migration {
  override readonly name = '20261128000000-layouts';

  override async up(): Promise<void> {
    const layout = await readLayout((statement) => this.execute(statement));
    assertUsable(layout, 'tables of this database');
    this.addSql(imageLinks);
    if (layout.kind !== 'painchain-0.2') return;
    for (const statement of [...painchain02Columns, ...timelineView('description_json')]) this.addSql(statement);
  }
}
