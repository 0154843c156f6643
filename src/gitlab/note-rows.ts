import type { HostState } from './limits/host-state.ts';

type Rows = { readonly nodes: ReadonlyArray<{ readonly updatedAt?: string; readonly createdAt?: string | null } | null> | null } | null;

/** The lists in a project's answer whose rows have times of GitLab's database. */
export interface ProjectRows {
  readonly mergeRequests?: Rows;
  readonly pipelines?: Rows;
  readonly releases?: Rows;
}

/**
 * Notes the times of an answer's rows in the row clock of its GitLab. A row may be dated later than its answer, because a
 * node with a fast clock dated it or it was imported. Such a row does not move the newest proven time.
 */
export function noteRows({ rows }: Pick<HostState, 'rows'>, projects: ReadonlyArray<ProjectRows | null>, answeredAt: Date): void {
  for (const project of projects) {
    for (const list of [project?.mergeRequests, project?.pipelines, project?.releases]) {
      for (const row of list?.nodes ?? []) {
        const time = row?.updatedAt ?? row?.createdAt;
        if (time) rows.note(new Date(time), answeredAt);
      }
    }
  }
}
