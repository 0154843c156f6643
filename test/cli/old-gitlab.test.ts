import { expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { SchemaVariant } from '../../fake-gitlab/graphql/variant.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';

/** A sync as the command line runs it, of the demo's projects on a GitLab with this schema. */
async function sync(schema: SchemaVariant) {
  const { world } = createDemoWorld();
  world.schema = schema;
  const fake = createFakeGitlab(world);
  const [served, database] = await Promise.all([serve(fake), createTestDatabase('postgres')]);
  const env = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, DATABASE_URL: database.options.databaseUrl ?? '', BRANCHES: 'main' };
  const written = { out: '', err: '' };
  const output = (name: 'out' | 'err') => ({ write: (text: string) => (written[name] += text) });
  try {
    const code = await run(['sync'], { env, out: output('out'), err: output('err'), signal: new AbortController().signal });
    return { code, ...written, requests: fake.seen.length };
  } finally {
    await served.close();
    await database.remove();
  }
}

test('sync from a GitLab that is too old prints one line and exits with 3', async () => {
  const { requests, ...ended } = await sync({ version: '13.12', edition: 'EE' });
  expect(ended).toEqual({
    code: 3,
    out: '',
    err: 'ERROR: Failed to connect to GitLab: this GitLab is too old: it has no Pipeline.ref, jobs(retried:) (the connector needs 16.2 or later; if this GitLab is newer, update the connector) [gitlab_too_old]\n',
  });
  expect(requests).toBeLessThan(5);
});

test('sync reads everything from the oldest supported GitLab, Community Edition', async () => {
  const ended = await sync({ version: '16.2', edition: 'CE' });
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(ended.out).toContain('fetched 18, stored 18\n');
});
