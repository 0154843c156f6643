import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { FakeImageRepository } from '../../fake-gitlab/world/records.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { describeDatabases } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describeDatabases('where a tag points', (kind) => {
  const given = useSync(kind);
  const config = { tagChecks: 10 };
  const begin = '2026-11-23T08:00:00Z';
  const minute = (at: unknown) => (typeof at === 'string' ? Math.round((Date.parse(at) - Date.parse(begin)) / 60_000) : at);
  const short = (digest: unknown) => (typeof digest === 'string' ? digest.slice(7, 15) : digest);

  /** The images of a tag, in the order in which it pointed to them. */
  const images = async (tag: string) =>
    [...(await given.rows()).values()]
      .filter(({ metadata }) => metadata['tag'] === tag)
      .map(({ event_id: id, status, timestamp, metadata: m }) => ({
        id,
        status,
        at: minute(timestamp),
        digest: short(m['digest']),
        was: short(m['previous_digest']),
        isCurrent: m['is_current'],
        next: short(m['replaced_by']),
        until: minute(m['replaced_at'] ?? m['deletion_noticed_at']),
      }))
      .toSorted((a, b) => Number(a.at) - Number(b.at));
  const versions = (id: string) =>
    given.database.em.fork().execute<Array<{ status: string; happened: string; changes: unknown }>>(
      `select v.status, to_char(v.happened_at at time zone 'UTC', 'HH24:MI') as happened, v.changes
       from change_event_versions v join change_events e on e.id = v.change_event_id
       where e.connection_id = ? and e.event_id = ? order by v.version`,
      [given.connectionId, id],
    );
  const move = (project: FakeProject, repository: FakeImageRepository, name: string, to?: string) => {
    const { digest } = project.pushTag(repository, name, to === undefined ? {} : { digest: to, createdAt: given.world.now - minutes(600) });
    return digest;
  };

  test.each([
    ['GitLab says', true, 20, 40],
    ['a pass has seen', false, 30, 50],
  ] as const)('is a change each time it moves, back too, at the time that %s', async (_, hasRegistryMetadata, first, second) => {
    given.world.hasRegistryMetadata = hasRegistryMetadata;
    const project = given.world.addProject('acme/shop');
    const repository = project.addImageRepository('web');
    const a = move(project, repository, 'prod');
    given.world.pass(minutes(10));
    await given.sync(config);
    given.world.pass(minutes(10));
    const b = move(project, repository, 'prod');
    given.world.pass(minutes(10));
    await given.sync(config);
    given.world.pass(minutes(10));
    move(project, repository, 'prod', a);
    given.world.pass(minutes(10));
    await given.sync(config);
    const id = (digest: string) => `registry-acme/shop/web-prod-${digest}`;
    const [one, two, back] = await images('prod');
    expect([one, two]).toEqual([
      { id: id(a), status: 'published', at: 0, digest: short(a), was: null, isCurrent: false, next: short(b), until: first },
      { id: id(b), status: 'published', at: first, digest: short(b), was: short(a), isCurrent: false, next: short(a), until: second },
    ]);
    expect(back).toMatchObject({ at: second, digest: short(a), was: short(b), isCurrent: true, next: undefined, until: undefined });
    expect(back?.id).toMatch(new RegExp(`^${id(a)}~[0-9a-f]{12}$`));
    const clock = (at: number) => `08:${at}`;
    expect((await versions(id(a))).map(({ status, happened }) => [status, happened])).toEqual([
      ['published', '08:00'],
      ['published', clock(first)],
    ]);
    expect((await versions(id(a)))[1]?.changes).toMatchObject({
      is_current: { old: true, new: false },
      replaced_by: { old: null, new: b },
    });
    expect(await given.sync({ ...config, reconcileInterval: 0 })).toMatchObject({ stored: 0, corrected: 0 });
    expect(await images('prod')).toHaveLength(3);
  });

  test('ends when the tag is deleted, and begins again when it is made anew', async () => {
    const project = given.world.addProject('acme/shop');
    const repository = project.addImageRepository('web');
    const a = move(project, repository, 'prod');
    move(project, repository, 'other');
    await given.sync(config);
    given.world.pass(minutes(10));
    project.deleteTag(repository, 'prod');
    await given.sync(config);
    const id = `registry-acme/shop/web-prod-${a}`;
    expect(await images('prod')).toMatchObject([{ id, status: 'deleted', isCurrent: false, until: 10 }]);
    expect((await versions(id)).map(({ status, happened }) => [status, happened])).toEqual([
      ['published', '08:00'],
      ['deleted', '08:10'],
    ]);
    expect(await given.sync(config)).toMatchObject({ stored: 0 });
    given.world.pass(minutes(10));
    move(project, repository, 'prod', a);
    await given.sync(config);
    expect(await images('prod')).toMatchObject([
      { id, status: 'deleted', isCurrent: false },
      { status: 'published', isCurrent: true, at: 20, digest: short(a) },
    ]);
    expect(await images('other')).toMatchObject([{ isCurrent: true, status: 'published' }]);
  });

  test('stays where it was while GitLab cannot describe it', async () => {
    const project = given.world.addProject('acme/shop');
    const repository = project.addImageRepository('web');
    move(project, repository, 'prod');
    await given.sync(config);
    const before = await images('prod');
    const tag = repository.tags.get('prod');
    for (const isBroken of [true, false]) {
      given.world.pass(minutes(20));
      Object.assign(tag ?? {}, { isBroken });
      await given.sync(config);
      expect(await images('prod')).toEqual(before);
    }
  });

  test('is not asked of a GitLab that does not know when a tag was pushed', async () => {
    given.world.schema = { version: '16.2', edition: 'EE' };
    const project = given.world.addProject('acme/shop');
    const repository = project.addImageRepository('web');
    move(project, repository, 'prod');
    await given.sync(config);
    given.world.pass(minutes(10));
    move(project, repository, 'prod');
    given.world.pass(minutes(10));
    expect(await given.sync(config)).toMatchObject({ problems: [], stored: 1 });
    expect(await images('prod')).toMatchObject([{ at: 0, until: 20 }, { at: 20 }]);
  });

  test('is looked at first where names move, whatever there is besides', async () => {
    const project = given.world.addProject('acme/shop');
    const repository = project.addImageRepository('web');
    const versionTags = Array.from({ length: 8 }, (_, index) => `v1.${index}.0`);
    const hashes = Array.from({ length: 6 }, (_, index) => `${index + 10}`.padEnd(8, 'a'));
    for (const name of [...versionTags, ...hashes, 'latest', 'prod', 'v2.0.0']) {
      move(project, repository, name);
      given.world.pass(minutes(1));
    }
    move(project, repository, 'v1.3.0');
    const settings = { tagLimit: 4, tagChecks: 4 };
    expect(await given.sync(settings)).toMatchObject({ stored: 4 });
    const tags = async () =>
      [...(await given.rows()).values()].map(({ metadata }) => metadata['tag'] as string).toSorted((a, b) => a.localeCompare(b));
    // The last two are those that were pushed last.
    expect(await tags()).toEqual(['latest', 'prod', 'v1.3.0', 'v2.0.0']);
    for (let pass = 0; pass < 3; pass++) {
      given.world.pass(minutes(5));
      move(project, repository, 'latest');
      move(project, repository, 'prod');
      expect(await given.sync(settings)).toMatchObject({ stored: 2 });
    }
    // What was left out is noticed when it moves, in its turn.
    const left = hashes[0] ?? '';
    const turns = async () => {
      for (let pass = 0; pass < 16; pass++) {
        given.world.pass(minutes(1));
        await given.sync(settings);
      }
    };
    await turns();
    move(project, repository, left);
    expect(await tags()).not.toContain(left);
    await turns();
    expect(await images(left)).toMatchObject([{ isCurrent: true, was: expect.any(String) as unknown }]);
  });

  test('of signatures, attestations and SBOMs is counted, and stored only when it is asked for', async () => {
    const project = given.world.addProject('acme/shop');
    const repository = project.addImageRepository('web');
    const digest = move(project, repository, '1.0').replace(':', '-');
    for (const name of [`${digest}.sig`, `${digest}.att`, `${digest}.sbom`, 'sha256-short.sig']) move(project, repository, name);
    const { streams } = await given.sync(config);
    expect(streams['registry-images']).toEqual({ fetched: 2, inserted: 2, updated: 0, artifacts: 3 });
    expect((await given.sync({ ...config, imageArtifacts: true })).streams['registry-images']).toMatchObject({ inserted: 3 });
    // Left out again they are not gone.
    expect(await given.sync(config)).toMatchObject({ stored: 0 });
    expect((await images(`${digest}.sig`)).map(({ status }) => status)).toEqual(['published']);
  });

  test('is over where its repository is deleted, as a reconcile finds, and not while the list is empty', async () => {
    const project = given.world.addProject('acme/shop');
    const [web, api] = [project.addImageRepository('web'), project.addImageRepository('api')];
    move(project, web, 'prod');
    move(project, api, 'latest');
    await given.sync(config);
    given.world.pass(minutes(10));
    project.deleteImageRepository(web);
    await given.sync(config);
    expect(await images('prod')).toMatchObject([{ status: 'published' }]);
    await given.sync({ ...config, reconcileInterval: 0 });
    expect(await images('prod')).toMatchObject([{ status: 'deleted', isCurrent: false, until: 10 }]);
    project.deleteImageRepository(api);
    await given.sync({ ...config, reconcileInterval: 0 });
    expect(await images('latest')).toMatchObject([{ status: 'published', isCurrent: true }]);
  });
});
