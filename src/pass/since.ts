import type { Stream } from '../streams/stream.ts';
import type { ProjectStates, PassState } from './pass-state.ts';
import { isSelected, walkKey } from './pass-state.ts';

/** Projects whose watermarks lie closer together than this share a batch, which asks from the earliest watermark on. */
const closeMs = 60 * 60_000;

/** From when on a project's changes are read. `any` = no stream of it can be read; null = it is read as a new project. */
export function sinceOf(states: ProjectStates | undefined, streams: readonly Stream[]): Date | 'any' | null {
  const found = streams
    .filter(({ isAskedSince }) => isAskedSince)
    .map(({ name, isAskedSince: since }) => ({
      state: states?.get(walkKey(name, '')),
      mayBeNew: since === 'once read',
    }));
  const isNew = ({ state, mayBeNew }: (typeof found)[number]) =>
    !mayBeNew && (!state || (!state.watermark && state.outcome !== 'disabled' && state.outcome !== 'forbidden'));
  if (found.some(isNew)) return null;
  const watermarks = found.flatMap(({ state }) => (state?.watermark ? [state.watermark.getTime()] : []));
  return watermarks.length === 0 ? 'any' : new Date(Math.min(...watermarks));
}

/** Whether a project can be asked what changed since a moment, whatever is asked for of others. */
export const fitsSince = (own: ReturnType<typeof sinceOf>, since: Date): boolean => own === 'any' || (own !== null && own >= since);

/** A moment from which on most projects can be asked: the earliest watermark that is close to the latest one. Null when no project has a watermark. */
export function commonSince({ known, states, streams }: Pick<PassState, 'known' | 'states' | 'streams'>): Date | null {
  const moments = [...known.values()]
    .filter(isSelected)
    .map(({ id }) => sinceOf(states.get(id), streams))
    .filter((since) => since instanceof Date)
    .map((since) => since.getTime());
  if (moments.length === 0) return null;
  const latest = moments.reduce((a, b) => Math.max(a, b));
  return new Date(moments.filter((moment) => moment >= latest - closeMs).reduce((a, b) => Math.min(a, b)));
}

/** Projects that can be asked together what changed since one moment. */
export interface SharedSince {
  readonly since: Date;
  readonly ids: readonly number[];
}

/** Projects with their moments, in groups of at most `size` that are close together. */
export function bySharedSince(projects: ReadonlyArray<{ readonly id: number; readonly since: Date }>, size: number): SharedSince[] {
  const groups: Array<{ since: Date; ids: number[] }> = [];
  for (const { id, since } of projects.toSorted((a, b) => a.since.getTime() - b.since.getTime())) {
    const group = groups.at(-1);
    if (group && group.ids.length < size && since.getTime() - group.since.getTime() <= closeMs) group.ids.push(id);
    else groups.push({ since, ids: [id] });
  }
  return groups;
}
