import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** `and …` for the rows of these projects; nothing when all are meant. */
export function ofProjects(projectIds: readonly number[] | undefined): RawBuilder<unknown> {
  if (!projectIds) return sql``;
  return sql`and project_id in (select value::bigint from json_array_elements_text(${JSON.stringify(projectIds)}::json))`;
}
