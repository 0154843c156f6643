import { expect, test } from 'vitest';
import { html } from '../../../fake-gitlab/fake-gitlab.ts';
import { silentLogger } from '../../../src/log.ts';
import { syncGitlab } from '../../../src/index.ts';
import { syncPart } from '../../../src/operations/sync-part.ts';
import { createHintReader, pastHints } from '../../../src/service/hooks/read-hinted.ts';
import { passSummaryOf } from '../../../src/service/pass-summary.ts';
import { beginPass, endPass } from '../../../src/store/progress/passes.ts';
import type { PassResult } from '../../../src/store/progress/passes.ts';
import { readSelected } from '../../../src/store/progress/read-selected.ts';
import { useSync } from '../../operations/fixture.ts';
import { describeDatabases } from '../../support/databases.ts';

const { signal } = new AbortController();

describeDatabases('hinted projects', (kind) => {
  const given = useSync(kind);
  const config = () => ({ token: given.token, url: 'https://gitlab.example.com', repos: 'acme' });
  const hinted = () => {
    const { em } = given.database;
    const { connectionId } = given;
    const read = createHintReader({
      em,
      log: silentLogger,
      readPart: async ({ projectIds }) => passSummaryOf(await syncPart({ em, config: config(), connectionId }, projectIds)),
    });
    return read({ connectionId, projectIds: given.world.projects.map(({ id }) => id), signal });
  };
  const notePass = async (result: PassResult) => {
    const startedAt = await beginPass(given.database.em, given.connectionId);
    await endPass(given.database.em, { connectionId: given.connectionId, startedAt, result, error: null });
  };
  const addProject = async () => {
    const project = given.world.addProject('acme/shop');
    await given.sync({ repos: 'acme' });
    given.world.pass();
    project.openMergeRequest({ title: 'new' });
    return project;
  };

  test('are read as the next poll would read them', async () => {
    await addProject();
    await notePass('ok');
    expect(await hinted()).toBe('read');
    expect(await given.ids()).toEqual(['mr-acme/shop-1']);
    expect(await given.sync({ repos: 'acme' })).toMatchObject({ stored: 0, problems: [] });
  });

  test('wait while a pass runs, also when its process has died, without a request', async () => {
    await addProject();
    await beginPass(given.database.em, given.connectionId);
    const before = given.fake.seen.length;
    expect(await hinted()).toBe('later');
    expect(given.fake.seen).toHaveLength(before);
    await notePass('ok');
    expect(await hinted()).toBe('read');
  });

  test('are not read after a pass that GitLab refused: the pauses of passes hold for hints', async () => {
    await addProject();
    await notePass('gitlab');
    const before = given.fake.seen.length;
    expect(await hinted()).toBe('failed');
    expect(given.fake.seen).toHaveLength(before);
  });

  test('are given up where GitLab fails, and the next pass reads them', async () => {
    await addProject();
    await notePass('ok');
    given.fake.intercept = () => html(given.world, 401, 'no');
    expect(await hinted()).toBe('failed');
    given.fake.intercept = undefined;
    expect(await given.sync({ repos: 'acme' })).toMatchObject({ stored: 1 });
  });

  test('make no pass busy: a pass comes after the hints that are being read', async () => {
    const project = await addProject();
    const { em } = given.database;
    const { connectionId } = given;
    const hold = Promise.withResolvers<undefined>();
    const isAsked = Promise.withResolvers<undefined>();
    given.fake.intercept = async () => {
      isAsked.resolve(undefined);
      await hold.promise;
      return undefined;
    };
    const reading = hinted();
    await isAsked.promise;
    let pauses = 0;
    const pass = pastHints(
      () => syncGitlab(em, config(), connectionId),
      signal,
      async () => {
        pauses++;
        hold.resolve(undefined);
        await reading;
      },
    );
    expect(await pass).toMatchObject({ projects: 1, problems: [] });
    expect([pauses, await reading]).toEqual([1, 'read']);
    // What stays busy is busy in the end: another process reads the connection.
    const busy = { error: 'busy', code: 'busy' } as const;
    let tries = 0;
    const stays = pastHints(
      () => Promise.resolve((tries++, busy)),
      signal,
      () => Promise.resolve(),
    );
    expect([await stays, tries]).toEqual([busy, 121]);
    expect(await readSelected(em, { connectionIds: [connectionId], projectIds: [project.id, 999] })).toEqual([
      { connectionId, projectId: project.id },
    ]);
  });

  test('are those that the settings select and GitLab has: hooks widen nothing', async () => {
    const project = await addProject();
    const gone = given.world.addProject('acme/gone');
    await given.sync({ repos: 'acme' });
    given.world.deleteProject(gone);
    await given.sync({ repos: 'acme' });
    const selected = () =>
      readSelected(given.database.em, { connectionIds: [given.connectionId], projectIds: [project.id, gone.id, project.id + 100] });
    expect(await selected()).toEqual([{ connectionId: given.connectionId, projectId: project.id }]);
    project.moveTo('elsewhere/shop');
    given.world.addProject('acme/other');
    await given.sync({ repos: 'acme/other' });
    expect(await selected()).toEqual([]);
    expect(await readSelected(given.database.em, { connectionIds: [], projectIds: [project.id] })).toEqual([]);
  });
});
