import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ChangeEvent, Outcome } from '../../src/index.ts';
import type { WalkState } from '../../src/walk-state.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createStore } from '../../src/store/store.ts';
import type { LockedStore } from '../../src/store/store.ts';
import { walkState } from '../support/walk-state.ts';
import { describeDatabases, openTestDatabase } from '../support/databases.ts';
import { openLockedStore } from '../support/locked-store.ts';
import type { OpenLockedStore } from '../support/locked-store.ts';
import { addConnection, eventRows } from '../support/rows.ts';

const seenAt = new Date('2026-11-23T08:00:00Z');

const state = (change: Partial<WalkState> = {}): WalkState => walkState({ lastAttemptAt: seenAt, ...change });

const event = (change: Partial<ChangeEvent> = {}): ChangeEvent => ({
  eventId: 'mr-acme/shop-1',
  title: '[MR] Add a cart',
  description: { text: 'x', related_events: [] },
  author: 'ada',
  timestamp: new Date('2026-11-22T08:00:00Z'),
  url: 'https://gitlab.example.com/1',
  status: 'opened',
  metadata: { project: 'acme/shop', b: 1, a: [1, { z: null }] },
  ...change,
});

describeDatabases('the store', (kind) => {
  let database: Database;
  let connectionId: number;
  let opened: OpenLockedStore;
  let store: LockedStore;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    connectionId = await addConnection(database.em, 'https://gitlab.example.com');
    opened = await openLockedStore(database.em, connectionId);
    store = opened.store;
    await store.saveProjects([{ id: 7, fullPath: 'acme/shop', webUrl: 'https://gitlab.example.com/acme/shop' }], seenAt);
  });
  afterEach(() => opened.close());
  const save = (...events: ChangeEvent[]) =>
    store.savePage({ projectId: 7, stream: 'merge-requests', scope: '', events, state: state({ outcome: 'ok' }), seenAt });
  const rows = () => eventRows(database.em, connectionId);
  const row = async (eventId = 'mr-acme/shop-1') => (await rows()).get(eventId);

  test('writes new and changed events, and no others', async () => {
    expect(await save(event(), event({ eventId: 'mr-acme/shop-2' }))).toEqual({ inserted: 2, updated: 0 });
    const before = await rows();
    expect(await save(event(), event({ eventId: 'mr-acme/shop-2', status: 'merged' }))).toEqual({ inserted: 0, updated: 1 });
    const after = await rows();
    expect(after.get('mr-acme/shop-1')?.xmin).toBe(before.get('mr-acme/shop-1')?.xmin);
    expect(after.get('mr-acme/shop-2')?.status).toBe('merged');
  });

  test.each<[string, Partial<ChangeEvent>]>([
    ['title', { title: '[MR] Add two carts' }],
    ['author', { author: 'eve' }],
    ['url', { url: 'https://gitlab.example.com/2' }],
    ['status', { status: 'closed' }],
    ['timestamp', { timestamp: new Date('2026-11-22T08:00:01Z') }],
    ['description', { description: { text: 'y', related_events: [] } }],
    ['metadata', { metadata: { project: 'acme/shop', b: 2 } }],
  ])('sees a change of the %s', async (_, change) => {
    await save(event());
    expect(await save(event(change))).toEqual({ inserted: 0, updated: 1 });
    expect(await save(event(change))).toEqual({ inserted: 0, updated: 0 });
  });

  test('does not count another order of JSON keys as a change', async () => {
    await save(event());
    expect(await save(event({ metadata: { a: [1, { z: null }], b: 1, project: 'acme/shop' } }))).toEqual({ inserted: 0, updated: 0 });
  });

  test('stores the last state of an event that comes twice in a page', async () => {
    expect(await save(event(), event({ status: 'merged' }))).toEqual({ inserted: 1, updated: 0 });
    expect((await row())?.status).toBe('merged');
  });

  test('keeps events of two connections apart', async () => {
    await save(event());
    const other = await openLockedStore(database.em, await addConnection(database.em, 'https://other.example.com'));
    await other.store.saveProjects([{ id: 7, fullPath: 'acme/shop', webUrl: 'x' }], seenAt);
    const saved = await other.store.savePage({ projectId: 7, stream: 's', scope: '', events: [event()], state: state(), seenAt });
    await other.close();
    expect(saved).toEqual({ inserted: 1, updated: 0 });
  });

  test('removes characters that PostgreSQL refuses from every text', async () => {
    const bad = 'a\u0000b\ud800c';
    await save(event({ eventId: `mr-${bad}`, title: bad, author: bad, url: bad, description: { text: bad }, metadata: { [`k`]: [bad] } }));
    const clean = 'ab\ufffdc';
    expect(await row(`mr-${clean}`)).toMatchObject({
      title: clean,
      author: clean,
      url: clean,
      description: { text: clean },
      metadata: { k: [clean] },
    });
    await save(event({ eventId: 'escape', description: { text: String.raw`a \u0000 in a text about NUL` } }));
    expect((await row('escape'))?.description.text).toBe(String.raw`a \u0000 in a text about NUL`);
  });

  test('keeps a huge text whole', async () => {
    const text = '0123456789abcdef'.repeat(65_536);
    await save(event({ description: { text } }));
    expect((await row())?.description.text).toBe(text);
  });

  test('stores event ids of any length, and long ids stay different', async () => {
    const path = 'p'.repeat(3_000);
    await save(event({ eventId: `${path}-1` }), event({ eventId: `${path}-2` }));
    expect(await save(event({ eventId: `${path}-1`, status: 'merged' }))).toEqual({ inserted: 0, updated: 1 });
    const ids = [...(await rows()).keys()];
    expect(ids).toHaveLength(2);
    expect(ids.every((id) => id.length === 255 && id.startsWith('ppp'))).toBe(true);
    const exact = 'e'.repeat(255);
    await save(event({ eventId: exact }));
    expect(await row(exact)).toBeDefined();
  });

  test('stores an author of any length', async () => {
    await save(event({ author: 'ä'.repeat(5_000) }));
    expect((await row())?.author).toBe('ä'.repeat(255));
  });

  test('gives an event without a time the time at which it was first seen, and keeps that time', async () => {
    await save(event({ timestamp: null }));
    const later = { projectId: 7, stream: 'merge-requests', scope: '', state: state(), seenAt: new Date('2026-11-24T00:00:00Z') };
    expect(await store.savePage({ ...later, events: [event({ timestamp: null })] })).toEqual({ inserted: 0, updated: 0 });
    expect((await row())?.timestamp).toBe('2026-11-23T08:00:00.000Z');
    await save(event({ timestamp: new Date('garbage') }));
    expect((await row())?.timestamp).toBe('2026-11-23T08:00:00.000Z');
  });

  test('keeps the first value of each metadata key in keep', async () => {
    const found = (branch: string, extra = {}) => event({ metadata: { branch, ...extra }, keep: ['branch'] });
    await save(found('main'));
    expect(await save(found('develop'))).toEqual({ inserted: 0, updated: 0 });
    expect(await save(found('develop', { more: 1 }))).toEqual({ inserted: 0, updated: 1 });
    expect((await row())?.metadata).toEqual({ branch: 'main', more: 1 });
  });

  const related = async (eventId: string) => (await row(eventId))?.description.related_events;
  const savePipelines = (...pipelines: ReadonlyArray<Pick<ChangeEvent, 'eventId' | 'linkKeys'>>) =>
    store.savePage({ projectId: 7, stream: 'pipelines', scope: '', events: pipelines.map((pipeline) => event(pipeline)), seenAt });
  const queue = () => database.em.fork().execute<unknown[]>('select from gitlab_unlinked where connection_id = ?', [connectionId]);

  test('links a new event to those that are stored, and those to it at the end, and writes each row once', async () => {
    await save(event({ linkKeys: ['mr:1'] }), event({ eventId: 'mr-acme/shop-2', linkKeys: ['mr:2'] }));
    await savePipelines({ eventId: 'pipeline-1', linkKeys: ['mr:1', 'pipeline:1'] });
    expect([await related('mr-acme/shop-1'), await related('pipeline-1')]).toEqual([[], ['mr-acme/shop-1']]);
    expect(await queue()).toHaveLength(1);
    const before = await rows();
    await store.linkEvents();
    expect(await related('mr-acme/shop-1')).toEqual(['pipeline-1']);
    expect(await queue()).toHaveLength(0);
    const after = await rows();
    for (const id of ['pipeline-1', 'mr-acme/shop-2']) expect(after.get(id)?.xmin).toBe(before.get(id)?.xmin);
  });

  test('links events of one page to each other', async () => {
    await savePipelines(
      { eventId: 'pipeline-1', linkKeys: ['pipeline:1', 'sha:a'] },
      { eventId: 'pipeline-2', linkKeys: ['pipeline:1', 'pipeline:2', 'sha:a'] },
      { eventId: 'pipeline-3', linkKeys: ['pipeline:3', 'sha:a'] },
    );
    const expected = [['pipeline-2'], ['pipeline-1'], []];
    const found = async () => [await related('pipeline-1'), await related('pipeline-2'), await related('pipeline-3')];
    expect(await found()).toEqual(expected);
    expect(await queue()).toHaveLength(0);
    await store.linkEvents();
    expect(await found()).toEqual(expected);
  });

  test('links an event that gets another key, and forgets what it shares no more', async () => {
    await savePipelines({ eventId: 'pipeline-1', linkKeys: ['sha:a'] }, { eventId: 'pipeline-2', linkKeys: ['sha:b'] });
    await save(event({ linkKeys: ['sha:a'] }));
    await store.linkEvents();
    await save(event({ linkKeys: ['sha:b'] }));
    expect(await related('mr-acme/shop-1')).toEqual(['pipeline-2']);
    await store.linkEvents();
    expect([await related('mr-acme/shop-1'), await related('pipeline-1'), await related('pipeline-2')]).toEqual([
      ['pipeline-2'],
      [],
      ['mr-acme/shop-1'],
    ]);
  });

  test('names at most 100 related events, those that were stored first', async () => {
    const many = Array.from({ length: 101 }, (_, i) => ({ eventId: `pipeline-${1000 + i}`, linkKeys: ['mr:1'] }));
    await savePipelines(...many);
    await save(event({ linkKeys: ['mr:1'] }));
    await store.linkEvents();
    expect(await related('mr-acme/shop-1')).toEqual(many.slice(0, 100).map(({ eventId }) => eventId));
    expect(await related('pipeline-1100')).toEqual(['mr-acme/shop-1']);
  });

  test('links no events of another connection', async () => {
    const other = await addConnection(database.em, 'https://other.example.com');
    await savePipelines({ eventId: 'pipeline-1', linkKeys: ['sha:a'] });
    const otherStore = await openLockedStore(database.em, other);
    await otherStore.store.saveProjects([{ id: 7, fullPath: 'acme/shop', webUrl: 'https://other.example.com/acme/shop' }], seenAt);
    await otherStore.store.savePage({
      projectId: 7,
      stream: 'merge-requests',
      scope: '',
      events: [event({ linkKeys: ['sha:a'] })],
      seenAt,
    });
    await otherStore.close();
    expect((await eventRows(database.em, other)).get('mr-acme/shop-1')?.description.related_events).toEqual([]);
    expect(await queue()).toHaveLength(0);
  });

  test('keeps the related events of an event that changes', async () => {
    await save(event());
    await database.em
      .fork()
      .execute(`update change_events set description = description || '{"related_events": ["commit-1"]}' where connection_id = ?`, [
        connectionId,
      ]);
    expect(await save(event())).toEqual({ inserted: 0, updated: 0 });
    await save(event({ status: 'merged' }));
    expect((await row())?.description.related_events).toEqual(['commit-1']);
  });

  test('continues the row of a former event id, once', async () => {
    await save(event({ eventId: 'registry-web-v1-' }), event({ eventId: 'registry-web-v1-sha256:fffff' }));
    const image = event({
      eventId: 'registry-web-v1-sha256:ffffffffff',
      formerEventIds: ['registry-web-v1-', 'registry-web-v1-sha256:fffff'],
    });
    expect(await save({ ...image, title: '[Image] web:v1' })).toEqual({ inserted: 0, updated: 1 });
    expect([...(await rows()).keys()]).toEqual(['registry-web-v1-sha256:ffffffffff', 'registry-web-v1-sha256:fffff']);
    expect(await save({ ...image, title: '[Image] web:v1' })).toEqual({ inserted: 0, updated: 0 });
  });

  test('stores events and progress in one transaction', async () => {
    const broken = { projectId: 7, stream: 'x', scope: '', state: state({ outcome: null as unknown as Outcome }), seenAt };
    await expect(store.savePage({ ...broken, events: [event()] })).rejects.toMatchObject({ name: 'RowRefusedError' });
    expect(await row()).toBeUndefined();
  });

  test('gives each project an event path of its own that never changes', async () => {
    const see = async (id: number, fullPath: string) => (await store.saveProjects([{ id, fullPath, webUrl: 'x' }], seenAt)).get(id);
    expect(await see(7, 'new/place')).toMatchObject({ eventPath: 'acme/shop', fullPath: 'new/place' });
    expect(await see(8, 'acme/shop')).toMatchObject({ eventPath: 'acme/shop~8', fullPath: 'acme/shop' });
    expect(await see(8, 'acme/shop')).toMatchObject({ eventPath: 'acme/shop~8' });
    const both = await store.saveProjects(
      [9, 10].map((id) => ({ id, fullPath: 'same/path', webUrl: 'x' })),
      seenAt,
    );
    expect([both.get(9)?.eventPath, both.get(10)?.eventPath]).toEqual(['same/path', 'same/path~10']);
  });

  test('reads the branches of a walk that an earlier version has written', async () => {
    const page = { projectId: 7, stream: 'pipelines', scope: '', events: [], seenAt };
    const leftOut = [{ branches: [], watermark: '2026-11-21T08:00:00.000Z', depth: null }];
    await store.savePage({ ...page, state: state({ selection: ['fix,it', 'main'], leftOut }) });
    const set = (selection: string) =>
      database.em.fork().execute('update gitlab_stream_state set selection = ? where connection_id = ?', [selection, connectionId]);
    expect(await store.readStates()).toMatchObject([{ selection: ['fix,it', 'main'], leftOut }]);
    await set('develop,main');
    expect(await store.readStates()).toMatchObject([{ selection: ['develop', 'main'], leftOut: [] }]);
    await set('');
    expect(await store.readStates()).toMatchObject([{ selection: [], leftOut: [] }]);
  });

  test('stores progress and outcome of a walk', async () => {
    const page = { projectId: 7, stream: 'pipelines', scope: 'main', events: [], seenAt };
    const walk: WalkState = {
      selection: ['develop', 'main'],
      leftOut: [{ branches: ['a,b'], watermark: '2026-11-21T08:00:00.000Z', depth: null }],
      watermark: new Date('2026-11-22T08:00:00.123Z'),
      cursor: 'abc',
      walkStartedAt: seenAt,
      frontier: 'f00',
      childrenSince: seenAt,
      depth: new Date(0),
      backfill: { since: '2026-01-01T00:00:00.000Z', left: null, cursor: 'x', isDone: false, isComplete: false },
      outcome: 'failed',
      error: 'why',
      lastAttemptAt: seenAt,
      lastSuccessAt: null,
    };
    const placed = { projectId: 7, stream: 'pipelines', scope: 'main' };
    await store.savePage({ ...page, state: walk });
    expect(await store.readStates()).toEqual([{ ...walk, ...placed, sharedTimesId: null }]);
    await store.savePage({ ...page, state: state({ outcome: 'ok', lastSuccessAt: seenAt }) });
    expect(await store.readStates()).toEqual([{ ...state({ outcome: 'ok', lastSuccessAt: seenAt }), ...placed, sharedTimesId: null }]);
    await store.markGone([7, 999], seenAt, 'deleted');
    expect(await store.readStates()).toMatchObject([{ outcome: 'gone', error: 'deleted', lastSuccessAt: seenAt }]);
    expect(await store.readProjects()).toMatchObject([{ id: 7, goneAt: seenAt }]);
    await store.saveProjects([{ id: 7, fullPath: 'acme/shop', webUrl: 'x' }], seenAt);
    expect(await store.readProjects()).toMatchObject([{ id: 7, goneAt: null }]);
  });

  test('walks share their times as long as all of them are quiet, and keep them when one is not', async () => {
    const later = (minutes: number) => new Date(seenAt.getTime() + minutes * 60_000);
    const placed = (scope: string, watermark: Date | null = null) => ({ projectId: 7, stream: 'commits', scope, ...state({ watermark }) });
    await store.saveStates([placed('a', seenAt), placed('b', later(2)), placed('c'), { ...placed('d'), outcome: 'disabled' }]);
    const walks = async (...scopes: readonly string[]) => {
      const states = await store.readStates();
      return scopes.map((scope) => ({
        projectId: 7,
        stream: 'commits',
        scope,
        sharedTimesId: states.find((one) => one.scope === scope)?.sharedTimesId ?? null,
      }));
    };
    const times = async () =>
      Object.fromEntries(
        (await store.readStates()).map(({ scope, watermark, lastAttemptAt, lastSuccessAt }) => [
          scope,
          [watermark, lastAttemptAt, lastSuccessAt],
        ]),
      );
    const first = await store.shareTimes({ walks: await walks('a', 'b', 'c', 'd'), watermark: later(1), readAt: later(5) });
    expect(await times()).toEqual({
      a: [later(1), later(5), later(5)],
      b: [later(2), later(5), later(5)],
      c: [null, later(5), later(5)],
      d: [null, later(5), null],
    });
    expect(await store.shareTimes({ walks: await walks('a', 'b', 'c', 'd'), watermark: later(3), readAt: later(6) })).toBe(first);
    // b was not read this time.
    const second = await store.shareTimes({ walks: await walks('a', 'c', 'd'), watermark: later(8), readAt: later(9) });
    expect(second).not.toBe(first);
    expect(await times()).toEqual({
      a: [later(8), later(9), later(9)],
      b: [later(3), later(6), later(6)],
      c: [null, later(9), later(9)],
      d: [null, later(9), null],
    });
    // A state that is stored has its own times; who alone names a row of times moves it.
    await store.saveStates([placed('a', later(4))]);
    expect((await times())['a']).toEqual([later(4), seenAt, null]);
    expect(await store.shareTimes({ walks: await walks('c', 'd', 'a'), watermark: later(10), readAt: later(10) })).toBe(second);
    await store.markGone([7], later(11), 'deleted');
    expect((await times())['a']).toEqual([later(10), later(10), later(10)]);
    await store.shareTimes({ walks: await walks('c'), watermark: null, readAt: later(12) });
    expect(
      await database.em.fork().execute('select count(*)::int as count from gitlab_shared_times where connection_id = ?', [connectionId]),
    ).toEqual([{ count: 1 }]);
  });

  test('stores the tags that were looked at, and deletes tags that no longer exist', async () => {
    const page = { projectId: 7, stream: 'registry-images', scope: 'acme/shop', events: [], state: state(), seenAt };
    const look = (name: string, digest: string | null, lookedAt: Date | null) => ({
      repositoryId: 3,
      name,
      digest,
      lookedAt,
      isLeftOut: digest === null,
      isBroken: false,
      pushedAt: lookedAt,
      previousDigest: digest && 'sha256:0',
    });
    await store.savePage({
      ...page,
      tags: { repositoryId: 3, looked: [look('a', 'sha256:1', seenAt), look('b', null, null)], moved: [], removed: [] },
    });
    expect((await store.readTags(7, 3)).toSorted((x, y) => (x.name < y.name ? -1 : 1))).toEqual([
      look('a', 'sha256:1', seenAt),
      look('b', null, null),
    ]);
    await store.savePage({ ...page, tags: { repositoryId: 3, looked: [look('b', 'sha256:2', seenAt)], moved: [], removed: ['a'] } });
    expect(await store.readTags(7, 3)).toEqual([look('b', 'sha256:2', seenAt)]);
    expect(await store.readTags(7, 4)).toEqual([]);
  });

  test('refuses a connection that does not exist', async () => {
    await expect(createStore(database.em, 999_999)).rejects.toThrow('there is no connection 999999 in the table connections');
  });
});
