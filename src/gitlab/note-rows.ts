import type { HostState } from './limits/host-state.ts';

type Rows = { readonly nodes: ReadonlyArray<{ readonly updatedAt?: string } | null> | null } | null;

/** The lists in a project's answer whose rows have a time of change. What they prove, `pass/restore.ts` can find again. */
export interface ProjectRows {
  readonly mergeRequests?: Rows;
  readonly pipelines?: Rows;
}

/**
 * Notes the times of an answer's rows in the row clock of its GitLab. A row may be dated later than its answer, because a
 * node with a fast clock dated it or it was imported. Such a row does not move the newest proven time.
 */
export function noteRows({ rows }: Pick<HostState, 'rows'>, projects: ReadonlyArray<ProjectRows | null>, answeredAt: Date): void {
  for (const project of projects) {
    for (const list of [project?.mergeRequests, project?.pipelines]) {
      for (const row of list?.nodes ?? []) {
        if (row?.updatedAt) rows.note(new Date(row.updatedAt), answeredAt);
      }
    }
  }
}
