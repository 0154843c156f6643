import { isSelected, walkKey } from './pass-state.ts';
import type { PassState } from './pass-state.ts';

/** Sets an earlier goal for the backfill of every project that is read. Walks that have reached the moment stay as they are. */
export async function extendBackfill({ known, states, store, streams }: PassState, since: Date): Promise<void> {
  const extended = [...states.values()].flatMap((ofProject) =>
    [...ofProject.values()].flatMap((state) => {
      const stream = streams.find(({ name }) => name === state.stream);
      const backfill = isSelected(known.get(state.projectId)) ? stream?.extendBackfill?.(state, since) : null;
      return backfill ? [{ ...state, backfill }] : [];
    }),
  );
  if (extended.length === 0) return;
  await store.saveStates(extended);
  for (const state of extended) states.get(state.projectId)?.set(walkKey(state.stream, state.scope), state);
}
