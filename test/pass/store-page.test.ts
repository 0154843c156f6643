import { expect, test } from 'vitest';
import { RowRefusedError } from '../../src/errors.ts';
import type { ChangeEvent } from '../../src/events/change-event.ts';
import { storePage } from '../../src/pass/store-page.ts';
import type { StoredPage } from '../../src/store/writer.ts';

const event = (eventId: string): ChangeEvent => ({
  eventId,
  title: eventId,
  description: {},
  author: 'ada',
  timestamp: new Date(0),
  url: '',
  status: 'published',
  metadata: {},
});

/** Stores a page whose state counts only with its events, in a database that refuses the event `bad`. Resolves to what is said of the state at the end. */
async function storeIn(eventIds: readonly string[]): Promise<boolean | undefined> {
  const pages: StoredPage[] = [];
  const savePage = (page: StoredPage) => {
    pages.push(page);
    return page.events.some(({ eventId }) => eventId === 'bad')
      ? Promise.reject(new RowRefusedError('refused'))
      : Promise.resolve({ inserted: page.events.length, updated: 0 });
  };
  const place = { projectId: 7, stream: 'releases', scope: '', seenAt: new Date(0) };
  await storePage({ savePage }, { ...place, events: eventIds.map(event), isStateOfNews: true }, () => undefined);
  return pages.at(-1)?.isStateOfNews;
}

test('a state that counts only with its events is stored with those that the database takes, and stays when it takes none', async () => {
  expect([await storeIn(['good', 'bad']), await storeIn(['bad'])]).toEqual([false, true]);
});
