import { RowRefusedError } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import type { LockedStore } from '../store/store.ts';
import type { StoredPage } from '../store/writer.ts';
import { isNothing } from '../streams/stream.ts';
import type { Stored } from '../streams/stream.ts';
import type { GapChanges } from '../walk-state.ts';

/** An event that the database did not take. */
export interface RefusedEvent {
  readonly event: ChangeEvent;
  readonly error: RowRefusedError;
}

/** What becomes of the gaps when the database refuses events. */
export type NoteRefused = (refused: readonly RefusedEvent[]) => GapChanges | undefined;

/**
 * Stores a page. Where the database refuses events, halves of the page find them, and everything else is stored; the progress of the
 * walk comes last, with what `noteRefused` makes of those events. Throws any other failure of the database.
 */
export async function storePage(store: Pick<LockedStore, 'savePage'>, page: StoredPage, noteRefused: NoteRefused): Promise<Stored> {
  try {
    return await store.savePage(page);
  } catch (error) {
    if (!(error instanceof RowRefusedError) || page.events.length === 0) throw error;
    const refused: RefusedEvent[] = [];
    const { state: _state, isStateOfNews: _news, tags: _tags, environments: _environments, gaps: _gaps, ...place } = page;
    const saved = await storeHalves(store, place, { error, refused });
    const more = noteRefused(refused);
    const gaps = { open: [...(page.gaps?.open ?? []), ...(more?.open ?? [])], closed: [...(page.gaps?.closed ?? [])] };
    await store.savePage({ ...page, events: [], gaps, isStateOfNews: page.isStateOfNews === true && isNothing(saved) });
    return saved;
  }
}

interface Refusal {
  readonly error: RowRefusedError;
  readonly refused: RefusedEvent[];
}

/** Stores the events of a page that was refused with this error. */
async function storeHalves(store: Pick<LockedStore, 'savePage'>, page: StoredPage, { error, refused }: Refusal): Promise<Stored> {
  const [event, ...others] = page.events;
  if (!event) return { inserted: 0, updated: 0 };
  if (others.length === 0) {
    refused.push({ event, error });
    return { inserted: 0, updated: 0 };
  }
  const middle = Math.ceil(page.events.length / 2);
  const saved = { inserted: 0, updated: 0 };
  for (const events of [page.events.slice(0, middle), page.events.slice(middle)]) {
    const half = { ...page, events };
    const counts = await store.savePage(half).catch((failure: unknown) => {
      if (failure instanceof RowRefusedError) return storeHalves(store, half, { error: failure, refused });
      throw failure;
    });
    saved.inserted += counts.inserted;
    saved.updated += counts.updated;
  }
  return saved;
}
