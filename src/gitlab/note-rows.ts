import type { HostState } from './limits/host-state.ts';

type Rows = { readonly nodes: ReadonlyArray<{ readonly updatedAt?: string; readonly createdAt?: string | null } | null> | null } | null;

/** The lists in a project's answer whose rows have times of GitLab's database. */
export interface ProjectRows {
  readonly mergeRequests?: Rows;
  readonly pipelines?: Rows;
  readonly releases?: Rows;
}

/**
 * Notes the times of an answer's rows at its GitLab. A row that is dated later than the answer is left out: a fast node
 * stamped it, or it was imported with a date in the future, so it says nothing about the time of other rows.
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
