import { streams } from '../streams/index.ts';
import { isSelected, walkKey } from './pass-state.ts';
import type { PassState } from './pass-state.ts';

/** Notes for every project that is read that its walks are to go back to an earlier moment. Where they are deep enough, nothing. */
export async function extendBackfill({ known, states, store }: PassState, since: Date): Promise<void> {
  const deeper = [...states.values()].flatMap((ofProject) =>
    [...ofProject.values()].flatMap((state) => {
      const stream = streams.find(({ name }) => name === state.stream);
      const backfill = isSelected(known.get(state.projectId)) ? stream?.extendBackfill?.(state, since) : null;
      return backfill ? [{ ...state, backfill }] : [];
    }),
  );
  if (deeper.length === 0) return;
  await store.saveStates(deeper);
  for (const state of deeper) states.get(state.projectId)?.set(walkKey(state.stream, state.scope), state);
}
