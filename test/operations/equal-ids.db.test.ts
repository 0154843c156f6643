import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { auditGitlab } from '../../src/index.ts';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { useSync } from './fixture.ts';

describeDatabases('two things whose names make one id', (kind) => {
  const given = useSync(kind);
  const titles = async (prefix: string) =>
    [...(await given.rows()).values()]
      .filter(({ event_id }) => event_id.startsWith(prefix))
      .map(({ title, metadata }) => `${title} of ${JSON.stringify(metadata.project)}`)
      .toSorted();

  test('releases of two projects have a row each, whichever is read first', async () => {
    const shop = given.world.addProject('acme/shop');
    const other = given.world.addProject('acme/shop-v1');
    shop.createRelease({ tag: 'v1-2', name: 'of the shop' });
    await given.sync({ repos: 'acme/shop' });
    other.createRelease({ tag: '2', name: 'of the other' });
    const both = ['[Release] of the other of "acme/shop-v1"', '[Release] of the shop of "acme/shop"'];
    for (const repos of ['acme/shop-v1', 'acme/shop', 'acme/shop, acme/shop-v1']) {
      given.world.pass(minutes(5));
      await given.sync({ repos, reconcileInterval: 0 });
      expect(await titles('release-acme/shop-v1-2')).toEqual(both);
    }
    given.world.pass(minutes(5));
    expect(await given.sync({ repos: 'acme', reconcileInterval: 0 })).toMatchObject({ stored: 0 });
    expect(await given.ids('release-acme/shop-v1-2')).toHaveLength(2);
  });

  test('releases that arrive in one pass have a row each, and keep it', async () => {
    given.world.addProject('acme/shop').createRelease({ tag: 'v1-2', name: 'of the shop' });
    given.world.addProject('acme/shop-v1').createRelease({ tag: '2', name: 'of the other' });
    await given.sync({ repos: 'acme' });
    const ids = await given.ids('release-');
    expect(ids).toHaveLength(2);
    expect(ids).toContain('release-acme/shop-v1-2');
    given.world.pass(minutes(5));
    expect(await given.sync({ repos: 'acme', reconcileInterval: 0 })).toMatchObject({ stored: 0 });
    expect(await given.ids('release-')).toEqual(ids);
  });

  test('tags of two container repositories of a project have a row each, when they point to one image', async () => {
    const project = given.world.addProject('acme/shop');
    const [one, two] = [project.addImageRepository('web'), project.addImageRepository('web-1')];
    const { digest } = project.pushTag(one, '1-2');
    project.pushTag(two, '2', { digest });
    await given.sync({ repos: 'acme' });
    expect(await titles('registry-')).toEqual(['[Image] acme/shop/web-1:2 of "acme/shop"', '[Image] acme/shop/web:1-2 of "acme/shop"']);
    given.world.pass(minutes(5));
    expect(await given.sync({ repos: 'acme', reconcileInterval: 0 })).toMatchObject({ stored: 0 });
    expect(await given.ids('registry-')).toHaveLength(2);
  });

  test('an audit finds both', async () => {
    given.world.addProject('acme/shop').createRelease({ tag: 'v1-2' });
    given.world.addProject('acme/shop-v1').createRelease({ tag: '2' });
    await given.sync({ repos: 'acme' });
    const config = { token: given.token, url: fakeUrl, repos: 'acme' };
    const audit = await auditGitlab(given.database.em, config, given.connectionId, { fetch: fetchFrom(given.fake) });
    const entries = 'error' in audit ? [] : audit.entries.filter(({ stream }) => stream === 'releases');
    expect(entries.map(({ result, inGitlab, inTable }) => [result, inGitlab, inTable])).toEqual([
      ['complete', 1, 1],
      ['complete', 1, 1],
    ]);
  });
});
