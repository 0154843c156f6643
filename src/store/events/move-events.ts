import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { EventTarget } from './save-events.ts';

/** A project whose path has changed. */
export interface MovedProject {
  readonly id: number;
  readonly fullPath: string;
  readonly webUrl: string;
  readonly former: { readonly fullPath: string; readonly webUrl: string };
}

/**
 * Updates the path and the URLs in all events of projects that have moved, because GitLab does not show these events as
 * changed. GitLab's own pages of a project are below `/-/`. Texts that people wrote and event ids do not change.
 */
export async function moveEvents(
  kysely: QueryExecutorProvider,
  { connectionId, table }: EventTarget,
  moved: readonly MovedProject[],
): Promise<void> {
  const description = sql.raw(table.description);
  for (const { id, fullPath, webUrl, former } of moved) {
    const [from, to] = [`${former.webUrl}/-/`, `${webUrl}/-/`];
    await sql`
      update change_events set
        metadata = metadata::jsonb || jsonb_build_object('project', ${fullPath}::text),
        url = case when starts_with(url, ${from}) then ${to} || substr(url, length(${from}) + 1) else url end,
        ${description} = case when ${description}::jsonb ? 'failed_jobs'
          then ${description}::jsonb || jsonb_build_object('failed_jobs',
            replace((${description}::jsonb -> 'failed_jobs')::text, ${`"${from}`}, ${`"${to}`})::jsonb)
          else ${description}::jsonb end,
        updated_at = now()
      where connection_id = ${connectionId} and project_id = ${id} and metadata::jsonb ->> 'project' = ${former.fullPath}`.execute(kysely);
  }
}
