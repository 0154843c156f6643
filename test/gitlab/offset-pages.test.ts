import { expect, test } from 'vitest';
import { createFakeGitlab, html } from '../../fake-gitlab/fake-gitlab.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createGitlab } from '../../src/gitlab/client.ts';
import { fetchFrom } from '../support/fake.ts';

test('pages that GitLab caps lose no row when one of them has to be smaller', async () => {
  const world = new World();
  const project = world.addProject('acme/shop');
  for (let i = 0; i < 20; i++) project.git.commit('main', { title: `${i}` });
  project.largestPage = 6;
  const fake = createFakeGitlab(world);
  let pages = 0;
  fake.intercept = () => (++pages === 2 ? html(world, 500, 'Oops') : undefined);
  const gitlab = createGitlab({
    url: 'https://gitlab.example.com',
    token: goodToken,
    userAgent: 'test',
    concurrency: 1,
    timeoutMs: 60_000,
    retry: { attempts: 1 },
    fetch: fetchFrom(fake),
  });
  const titles: string[] = [];
  for await (const { rows } of gitlab.rest.commitPages({ projectId: project.id, ref: 'main', pageSize: 100 }))
    titles.push(...rows.map(({ title }) => title));
  expect(titles).toEqual(Array.from({ length: 20 }, (_, i) => `${19 - i}`));
});
