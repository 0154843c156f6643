import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createHostStates } from '../../src/index.ts';
import type { Logger } from '../../src/index.ts';
import { silentLogger } from '../../src/log.ts';
import { makeServerCertificate } from '../support/certificates.ts';
import { createTestClock } from '../support/clock.ts';
import { useServers } from '../support/servers.ts';
import { useSync } from './fixture.ts';

const given = useSync('pglite', { network: true });
const servers = useServers();

const recording = () => {
  const warned: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, message) => warned.push(message) };
  return { warned, logger };
};

describe('a host of the library', () => {
  test('is warned of a key of its stored config that is not a setting, with the nearest setting', async () => {
    const warned: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (...line) => warned.push(line) };
    await given.sync({ sync_limt: 5, tags: 'team-a' }, { logger });
    expect(warned).toEqual([[{ key: 'sync_limt', nearest: 'sync_limit' }, 'configuration has a key that is not a setting']]);
  });

  test('is warned of INSECURE_TLS, once in each pass', async () => {
    const port = await servers.https(await makeServerCertificate('localhost'), (_, response) => response.writeHead(404).end());
    const { warned, logger } = recording();
    const config = { url: `https://localhost:${port}`, insecureTls: true };
    expect(await given.fail(config, { logger })).toMatchObject({ code: 'gitlab', error: expect.stringContaining('(404)') as string });
    expect(warned).toEqual(['INSECURE_TLS is on: any certificate is trusted, and anyone on the network path can read the token']);
  });

  test('that hands over its own fetch looks after the network itself', async () => {
    given.world.addProject('acme/shop').openMergeRequest({ title: 'x' });
    const { warned, logger } = recording();
    const config = { caFile: '/nowhere/ca.pem', insecureTls: true, httpsProxy: 'http://127.0.0.1:1', connectTimeout: 1 };
    expect(await given.sync(config, { logger, fetch: (...args) => fetch(...args) })).toMatchObject({ stored: 1 });
    expect(warned).toEqual([]);
    expect(await given.fail(config, { logger })).toMatchObject({
      code: 'configuration',
      error: expect.stringMatching(
        /^Invalid configuration: the file of CA certificates \/nowhere\/ca\.pem \(CA_FILE\) cannot be used: ENOENT/,
      ) as string,
    });
  });

  test('may keep its token in a file', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-token-'));
    try {
      const tokenFile = path.join(folder, 'token');
      await writeFile(tokenFile, `${given.token}\n`);
      given.world.addProject('acme/shop').openMergeRequest({ title: 'x' });
      expect(await given.sync({ token: '', tokenFile })).toMatchObject({ stored: 1 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('has one budget of requests for all passes to which it hands the same host states', async () => {
    given.world.addProject('acme/shop').openMergeRequest({ title: 'x' });
    const clock = createTestClock();
    const hostStates = createHostStates({ clock });
    let refusals = 1;
    given.fake.intercept = () => (refusals-- > 0 ? new Response('', { status: 429, headers: { 'retry-after': '120' } }) : undefined);
    expect(await given.fail({ maxAttempts: 1 }, { hostStates })).toMatchObject({
      error: expect.stringContaining('limits the rate') as string,
    });
    expect(clock.now()).toBe(0);
    await given.sync({}, { hostStates: createHostStates({ clock }) });
    expect(clock.now()).toBe(0);
    await given.sync({}, { hostStates });
    expect(clock.now()).toBe(120_000);
  });

  test('has a pass that counts every attempt, and makes no more than the settings allow', async () => {
    given.world.addProject('acme/shop');
    given.fake.intercept = () => new Response('', { status: 503 });
    for (const maxAttempts of [1, 3]) {
      given.fake.seen.length = 0;
      await given.fail({ maxAttempts }, { hostStates: createHostStates({ clock: createTestClock() }) });
      expect(given.fake.seen).toHaveLength(maxAttempts);
    }
  });
});
