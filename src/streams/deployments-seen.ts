import type { BatchProject } from '../gitlab/batch.ts';
import { presentNodes } from '../events/text.ts';
import type { WalkState } from '../walk-state.ts';

/** What the stream of deployments remembers between two readings, in the cursor of its walk. */
export interface Seen {
  /** Pipelines that had changed when the environments were read last. */
  readonly pipelines: readonly string[];
  /** Deployments that ended before this moment are stored, by the clock of rows. Null: the environments were never read. */
  readonly readUntil: Date | null;
  /** A deployment waits or runs: the environments are read in each pass until this moment. Null: none does. */
  readonly watchUntil: Date | null;
}

const nothing: Seen = { pipelines: [], readUntil: null, watchUntil: null };

/** What a stored state remembers. */
export function seenOf(state: WalkState | undefined): Seen {
  if (!state?.cursor) return nothing;
  try {
    const { pipelines, readUntil, watchUntil } = JSON.parse(state.cursor) as Record<keyof Seen, string[] & string>;
    const dateOf = (text: string | null) => (text ? new Date(text) : null);
    return { pipelines, readUntil: dateOf(readUntil), watchUntil: dateOf(watchUntil) };
  } catch {
    return nothing;
  }
}

/** As the cursor of a walk. */
export const cursorOf = (seen: Seen): string => JSON.stringify(seen);

/** The pipelines of a batch's page as they are now. */
export const pipelinesIn = (batch: BatchProject): string[] =>
  presentNodes(batch.firstPage('pipelines')).map(({ iid, updatedAt, status }) => `${iid} ${status} ${updatedAt}`);

/**
 * Whether a pipeline has changed since the environments were read. Where GitLab is silent, each batch has the pipelines again that changed
 * last: they were seen. What is on further pages is not known.
 */
export function hasNewPipelines(batch: BatchProject, { pipelines }: Seen): boolean {
  const page = batch.firstPage('pipelines');
  if (page === undefined) return true;
  // A batch by name leaves rows out that are stored. A pass that was killed may have stored them, and not their deployments.
  if ((batch.names('pipelines') ?? []).length > 0) return true;
  const known = new Set(pipelines);
  return (page?.pageInfo.hasNextPage ?? false) || pipelinesIn(batch).some((pipeline) => !known.has(pipeline));
}
