import type { BatchProject, FirstPage } from '../gitlab/batch.ts';
import { listedRow } from '../gitlab/read-around.ts';
import type { NamedRow } from '../gitlab/read-around.ts';
import { firstPages } from '../streams/identities.ts';
import { withOverlap } from '../streams/watermark.ts';
import { walkKey } from './pass-state.ts';
import { noteFound } from './restore.ts';
import type { PassState } from './pass-state.ts';
import type { ProjectWork } from './sync-project.ts';

/**
 * A project of a batch by name, with empty lists where there is nothing to read: each row is stored as it was at its time of change, or
 * has a gap that is not due. In a reconcile, rows may have changed without a trace.
 */
export async function withoutKnownRows(
  { store, gaps, states, landmarks }: PassState,
  { batch, project, at }: ProjectWork,
): Promise<BatchProject> {
  const isReconcile = batch.ask.kind === 'reconcile';
  const keys = Object.keys(firstPages) as FirstPage[];
  const named = keys.flatMap((key) => (batch.names(key) ?? []).map((row) => ({ row, eventId: firstPages[key].eventId?.(project, row) })));
  if (named.length === 0) return batch;
  for (const { row, eventId } of named) if (eventId !== undefined) noteFound(landmarks, eventId, listedRow(row).changedAt);
  const times = isReconcile
    ? new Map<string, Date>()
    : await store.readTimes(
        project.id,
        named.flatMap(({ eventId }) => eventId ?? []),
      );
  const isKnown = (key: FirstPage, row: NamedRow) => {
    const { stream, eventId } = firstPages[key];
    const listed = listedRow(row);
    if (gaps.isWaiting({ ...listed, projectId: project.id, stream, at, isReconcile })) return true;
    const stored = eventId && times.get(eventId(project, row));
    if (stored === undefined || listed.changedAt === null) return stored !== undefined;
    // GitLab's times are whole seconds. A row that was read soon after its last change may have changed again in that second.
    const readAt = states.get(project.id)?.get(walkKey(stream, ''))?.lastSuccessAt;
    const isSettled = readAt ? withOverlap(readAt) >= listed.changedAt : false;
    return isSettled && stored.getTime() === listed.changedAt.getTime();
  };
  return {
    ...batch,
    firstPage: (key) => {
      const rows = batch.names(key);
      const list = batch.node[key];
      const isAllKnown = rows !== undefined && list !== null && rows.every((row) => isKnown(key, row));
      return isAllKnown ? { ...list, nodes: [] } : batch.firstPage(key);
    },
  };
}

/** Whether a project has rows that are not known, or lists that are to be asked for. */
export const hasNews = (batch: BatchProject): boolean =>
  (Object.keys(firstPages) as FirstPage[]).some((key) => batch.firstPage(key) === undefined);
