import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { GitlabGapEntity } from '../../src/index.ts';
import { describeDatabases } from '../support/databases.ts';
import { notEmpty } from '../support/not-empty.ts';
import { useSync } from './fixture.ts';

interface Refusal {
  readonly name: string;
  /** Refuses a row whose title has this word in it. */
  readonly word: string;
  readonly refuse: readonly string[];
  readonly allow: readonly string[];
  /** Of the database. */
  readonly words: RegExp;
}

/** Ways of others to refuse a row. */
const refusals: readonly Refusal[] = [
  {
    name: 'a check',
    word: 'checked',
    refuse: [`alter table change_events add constraint lucky check (title not like '%checked%')`],
    allow: ['alter table change_events drop constraint lucky'],
    words: /"lucky"/,
  },
  {
    name: 'an index whose rows are limited',
    word: 'indexed',
    refuse: [
      // PostgreSQL packs what repeats, and this does not.
      `create function long(title text) returns text immutable language sql as $$
         select case when title like '%indexed%' then (select string_agg(md5(i::text), '') from generate_series(1, 400) as i) end $$`,
      'create index long on change_events (long(title))',
    ],
    allow: ['drop index long', 'drop function long'],
    words: /index row (size|requires)/,
  },
  {
    name: 'a trigger',
    word: 'triggered',
    refuse: [
      `create function refuse() returns trigger language plpgsql as $$ begin
         if new.title like '%triggered%' then raise exception 'not on a Friday'; end if; return new; end $$`,
      'create trigger refuse before insert or update on change_events for each row execute function refuse()',
    ],
    allow: ['drop trigger refuse on change_events', 'drop function refuse'],
    words: /not on a Friday/,
  },
];

describeDatabases('a row that the database does not take', (kind) => {
  const given = useSync(kind);
  const gaps = () => given.database.em.fork().find(GitlabGapEntity, { connectionId: given.connectionId }, { orderBy: { key: 'asc' } });

  test.each(notEmpty(refusals))('harms only itself: $name', async ({ word, refuse, allow, words }) => {
    const project = given.world.addProject('acme/shop');
    for (let index = 0; index < 9; index++) project.openMergeRequest({ title: index % 4 === 1 ? `${word} ${index}` : `Change ${index}` });
    project.startPipeline({ ref: 'main' });
    const em = given.database.em.fork();
    for (const statement of refuse) await em.execute(statement);
    try {
      const report = await given.sync();
      expect(await given.ids('mr-')).toHaveLength(7);
      expect(await given.ids('pipeline-')).toHaveLength(1);
      expect(report.problems).toMatchObject([
        { project: 'acme/shop', stream: 'merge-requests', errorCode: 'row_refused', reason: expect.stringMatching(words) as unknown },
      ]);
      expect(report).toMatchObject({ stored: 8 });
      expect((await gaps()).map(({ key, isMissing, breaksLists }) => ({ key, isMissing, breaksLists }))).toEqual(
        ['2', '6'].map((key) => ({ key, isMissing: true, breaksLists: false })),
      );
      expect(await given.outcomes()).toMatchObject({ 'merge-requests': 'ok' });
      given.world.pass(minutes(5));
      expect((await given.sync()).problems).toMatchObject([{ since: expect.any(String) as unknown }]);
    } finally {
      for (const statement of allow) await em.execute(statement);
    }
    given.world.pass(minutes(6));
    expect((await given.sync()).problems).toEqual([]);
    expect(await given.ids('mr-')).toHaveLength(9);
    expect(await gaps()).toEqual([]);
  });

  test('gets the time of first sight where its own is impossible, and says so', async () => {
    const project = given.world.addProject('acme/shop');
    project.createRelease({ tag: 'v1' });
    project.createRelease({ tag: 'v2' });
    given.fake.intercept = async (request) => {
      const text = await (await given.fake.answer(request.clone())).text();
      return new Response(text.replaceAll(/"releasedAt":"[^"]*"/g, '"releasedAt":"+012026-01-01T00:00:00Z"'), {
        headers: { 'content-type': 'application/json' },
      });
    };
    expect((await given.sync()).problems).toEqual([]);
    const rows = [...(await given.rows()).values()];
    expect(rows.map(({ metadata }) => metadata['timestamp_is_first_sight'])).toEqual([true, true]);
    given.fake.intercept = undefined;
  });
});
