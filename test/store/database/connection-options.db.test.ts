import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { pino } from 'pino';
import { openDatabase } from '../../../src/store/database/database.ts';
import { createSharedEngine } from '../../../src/service/shared-engine.ts';
import { runCli } from '../../support/run-cli.ts';
import { createPostgres, freePort } from '../../support/postgres.ts';
import type { OwnPostgres } from '../../support/postgres.ts';
import { startTlsPostgres } from '../../support/tls-postgres.ts';
import type { TlsPostgres } from '../../support/tls-postgres.ts';

let server: TlsPostgres;
let file: (name: string) => string;
beforeAll(async () => {
  server = await startTlsPostgres();
  file = (name) => path.join(server.folder, name);
  const client = new Client({ host: server.folder, port: server.port, user: 'postgres', database: 'postgres' });
  await client.connect();
  for (const role of ['only_tls', 'only_plain', 'with_certificate']) await client.query(`create role ${role} login password 'test'`);
  await client.end();
});
afterAll(() => server.remove());

interface Session {
  readonly tls: boolean;
  readonly name: string;
  readonly timeout: string;
  readonly user: string;
}

/** What the server knows of a session that a database URL opens. */
async function sessionOf(databaseUrl: string): Promise<Session> {
  const database = await openDatabase({ databaseUrl, dataDir: '' });
  try {
    const [session] = await database.em.fork().execute<Session[]>(
      `select s.ssl as tls, current_setting('application_name') as name, current_setting('statement_timeout') as timeout, current_user::text as user
       from pg_stat_ssl s where s.pid = pg_backend_pid()`,
    );
    if (!session) throw new Error('no session');
    return session;
  } finally {
    await database.close();
  }
}

const at = (query: string, { user = 'postgres', host = 'localhost' } = {}) =>
  `postgres://${user}:test@${host}:${server.port}/postgres?${query}`;

describe('sslmode means what it means to libpq', () => {
  test.each<[string, boolean]>([
    ['disable', false],
    ['allow', false],
    ['prefer', true],
    ['require', true],
    ['verify-ca', true],
    ['verify-full', true],
  ])('sslmode=%s: TLS %s', async (mode, tls) => {
    const ca = mode.startsWith('verify') ? `&sslrootcert=${file('ca.pem')}` : '';
    expect(await sessionOf(at(`sslmode=${mode}${ca}`))).toMatchObject({ tls });
  });

  test('without it TLS is spoken where the server offers it', async () => {
    expect(await sessionOf(at(''))).toMatchObject({ tls: true });
  });

  test('allow and prefer change to the other way where the server refuses the first', async () => {
    expect(await sessionOf(at('sslmode=allow', { user: 'only_tls' }))).toMatchObject({ tls: true });
    expect(await sessionOf(at('sslmode=prefer', { user: 'only_plain' }))).toMatchObject({ tls: false });
    await expect(sessionOf(at('sslmode=disable', { user: 'only_tls' }))).rejects.toThrow(/pg_hba.conf/);
    await expect(sessionOf(at('sslmode=require', { user: 'only_plain' }))).rejects.toThrow(/pg_hba.conf/);
  });

  test('a server without TLS is refused by require, and used by prefer', async () => {
    const plain = await createPostgres();
    await plain.start();
    try {
      expect(await sessionOf(`${plain.url}/postgres?sslmode=prefer`)).toMatchObject({ tls: false });
      await expect(sessionOf(`${plain.url}/postgres?sslmode=require`)).rejects.toThrow(
        'the server offers no TLS, which sslmode=require asks for',
      );
    } finally {
      await plain.stop();
      await plain.remove();
    }
  });

  test('another CA, and another name than that of the certificate, are refused', async () => {
    for (const mode of ['require', 'verify-ca', 'verify-full'])
      await expect(sessionOf(at(`sslmode=${mode}&sslrootcert=${file('other-ca.pem')}`))).rejects.toThrow(/certificate is not trusted/);
    await expect(sessionOf(at('sslmode=verify-full'))).rejects.toThrow(/certificate is not trusted/);
    const byAddress = { host: '127.0.0.1' };
    await expect(sessionOf(at(`sslmode=verify-full&sslrootcert=${file('ca.pem')}`, byAddress))).rejects.toThrow(/is for another name/);
    expect(await sessionOf(at(`sslmode=verify-ca&sslrootcert=${file('ca.pem')}`, byAddress))).toMatchObject({ tls: true });
  });

  test('a client certificate is sent, direct TLS is spoken, channel binding is used', async () => {
    const pair = `sslcert=${file('client.pem')}&sslkey=${file('client.key')}`;
    const url = `postgres://with_certificate@localhost:${server.port}/postgres?sslmode=require&`;
    expect(await sessionOf(`${url}${pair}`)).toMatchObject({ tls: true, user: 'with_certificate' });
    await expect(sessionOf(url)).rejects.toThrow(/certificate/);
    expect(await sessionOf(at('sslmode=require&sslnegotiation=direct'))).toMatchObject({ tls: true });
    expect(await sessionOf(at('sslmode=require&channel_binding=require'))).toMatchObject({ tls: true });
    await expect(sessionOf(at('channel_binding=require', { user: 'only_plain' }))).rejects.toThrow(/channel_binding=require/);
  });
});

describe('what cannot be obeyed is refused in one line before anything connects', () => {
  test.each<[string, () => string, string | RegExp]>([
    ['a missing CA file', () => `sslmode=verify-full&sslrootcert=${file('gone.pem')}`, /sslrootcert cannot be read \(ENOENT.*gone\.pem/],
    [
      'a CA file without a certificate',
      () => `sslmode=verify-full&sslrootcert=${file('hba.conf')}`,
      'hba.conf holds no certificate in PEM',
    ],
    ['a CA without verification', () => `sslrootcert=${file('ca.pem')}`, 'sslrootcert needs sslmode=verify-full, verify-ca or require'],
    ['verify-ca without a CA', () => 'sslmode=verify-ca', 'sslmode=verify-ca needs sslrootcert'],
    ['system CAs without names', () => 'sslmode=require&sslrootcert=system', 'sslrootcert=system needs sslmode=verify-full, not require'],
    ['a certificate without a key', () => `sslmode=require&sslcert=${file('client.pem')}`, 'sslcert and sslkey need each other'],
    ['the key of another', () => `sslmode=require&sslcert=${file('client.pem')}&sslkey=${file('server.key')}`, /sslcert cannot be used/],
    ['a typo', () => 'sslmode=requier', 'not requier'],
    ['an unknown parameter', () => 'krbsrvname=x', 'has the parameter krbsrvname'],
  ])('%s', async (_name, query, problem) => {
    const url = `postgres://me:the-secret@127.0.0.1:1/name?${query()}`;
    await expect(openDatabase({ databaseUrl: url, dataDir: '' })).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(problem),
    });
    const { code, out, err } = await runCli(['events'], { DATABASE_URL: url });
    expect(code).toBe(2);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(out + err).not.toContain('the-secret');
  });

  test('libpq variables complete the URL, and those that cannot be obeyed are named', async () => {
    const url = 'postgres://me:the-secret@127.0.0.1:1/name';
    const { code, err } = await runCli(['events'], { DATABASE_URL: url, PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/gone.pem' });
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('sslrootcert cannot be read (ENOENT') });
    expect((await runCli(['events'], { DATABASE_URL: url, PGSSLMODE: 'on' })).err).toContain('it must be disable, allow');
    expect((await runCli(['events'], { DATABASE_URL: url, PGSERVICE: 'x' })).err).toContain('PGSERVICE cannot be obeyed');
  });
});

describe('the other parameters', () => {
  test('options, application_name and a folder as host', async () => {
    expect(await sessionOf(at('options=-cstatement_timeout%3D7s&application_name=me'))).toMatchObject({ name: 'me', timeout: '7s' });
    expect(await sessionOf(at(''))).toMatchObject({ name: 'gitlab-connector' });
    const socket = `postgres:///postgres?host=${server.folder}&port=${server.port}&user=postgres&sslmode=require`;
    expect(await sessionOf(socket)).toMatchObject({ tls: false, user: 'postgres' });
  });

  test('a server that does not answer is given up after connect_timeout', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => {});
    const port = await freePort();
    await new Promise<void>((resolve) => void silent.listen(port, '127.0.0.1', resolve));
    const begun = performance.now();
    await expect(sessionOf(`postgres://me@127.0.0.1:${port}/name?connect_timeout=1`)).rejects.toThrow(/timeout expired/);
    expect(performance.now() - begun).toBeLessThan(10_000);
    silent.close();
  });

  test('the queue speaks TLS as the store does', async () => {
    const ca = `sslmode=verify-full&sslrootcert=${file('ca.pem')}`;
    const work = { runPass: () => Promise.resolve(), readPart: () => Promise.reject(new Error('no part')) };
    const engine = await createSharedEngine({ databaseUrl: at(ca), workers: 1, work, log: pino({ level: 'silent' }), onIdle: () => {} });
    const database = await openDatabase({ databaseUrl: at(ca), dataDir: '' });
    try {
      const rows = await database.em
        .fork()
        .execute<Array<{ ssl: boolean; application_name: string }>>(
          `select distinct s.ssl, a.application_name from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name like 'gitlab-connector%' order by 2`,
        );
      expect(rows).toEqual([
        { ssl: true, application_name: 'gitlab-connector' },
        { ssl: true, application_name: 'gitlab-connector jobs' },
      ]);
      await expect(
        createSharedEngine({
          databaseUrl: at(`sslmode=verify-full&sslrootcert=${file('other-ca.pem')}`),
          workers: 1,
          work,
          log: pino({ level: 'silent' }),
          onIdle: () => {},
        }),
      ).rejects.toThrow(/certificate is not trusted/);
    } finally {
      await database.close();
      await engine.stop();
    }
  });
});

describe('several hosts', () => {
  let standby: OwnPostgres;
  beforeAll(async () => {
    // Read-only as a standby is, for all that target_session_attrs=read-write asks for.
    standby = await createPostgres({ settings: { default_transaction_read_only: 'on' } });
    await standby.start();
  });
  afterAll(async () => {
    await standby.stop();
    await standby.remove();
  });
  const portOf = (url: string) => Number(new URL(url).port);
  const hosts = (...ports: readonly number[]) => `postgres://postgres:test@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/postgres`;
  const isReadOnly = async (databaseUrl: string) => {
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    try {
      const [row] = await database.em.fork().execute<Array<{ off: string }>>('show default_transaction_read_only');
      return (row as unknown as Record<string, string>)['default_transaction_read_only'] === 'on';
    } finally {
      await database.close();
    }
  };

  test('are tried in order, and target_session_attrs chooses', async () => {
    const [readOnly, primary] = [portOf(standby.url), server.port];
    expect(await isReadOnly(hosts(1, readOnly, primary))).toBe(true);
    expect(await isReadOnly(`${hosts(1, readOnly, primary)}?target_session_attrs=read-write`)).toBe(false);
    expect(await isReadOnly(`${hosts(primary, readOnly)}?target_session_attrs=read-only`)).toBe(true);
    expect(await isReadOnly(`${hosts(readOnly, primary)}?target_session_attrs=primary`)).toBe(true);
    expect(await isReadOnly(`${hosts(primary, readOnly)}?target_session_attrs=prefer-standby`)).toBe(false);
    await expect(isReadOnly(`${hosts(readOnly)}?target_session_attrs=read-write`)).rejects.toThrow(
      'no server is as target_session_attrs=read-write asks for',
    );
    await expect(isReadOnly(hosts(1, 2))).rejects.toThrow(/ECONNREFUSED 127.0.0.1:2/);
  });
});

describe('sessions are replaced', () => {
  test('with the password that is now in its file, after the old one was changed', async () => {
    const admin = new Client({ host: server.folder, port: server.port, user: 'postgres', database: 'postgres' });
    await admin.connect();
    await admin.query("create role rotated login password 'one'");
    await writeFile(file('password'), 'one\n');
    const databaseUrl = `postgres://rotated@localhost:${server.port}/postgres?password_file=${encodeURIComponent(file('password'))}`;
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    const ask = () => database.em.fork().execute('select 1');
    try {
      await admin.query("alter role rotated password 'two'");
      await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rotated'");
      // The first statement may meet the session that was ended.
      await expect.poll(() => ask().catch((error: Error) => error.message)).toContain('password authentication failed');
      await writeFile(file('password'), 'two\n');
      expect(await ask()).toHaveLength(1);
      await rm(file('password'));
      await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rotated'");
      await expect.poll(() => ask().catch((error: Error) => error.message)).toContain('the file of the password cannot be read (ENOENT');
    } finally {
      await database.close();
      await admin.query('drop role rotated');
      await admin.end();
    }
  });

  test('after a minute, so that one that has become read-only is not kept', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const database = await openDatabase({ databaseUrl: at('', {}), dataDir: '', poolSize: 1 });
    const em = () => database.em.fork();
    try {
      await em().execute('set session characteristics as transaction read only');
      await expect(em().execute('create temp table x (i int)')).rejects.toThrow('read-only');
      // Never idle for as long as it takes the pool to end an idle session.
      for (let second = 0; second < 65; second += 5) {
        await vi.advanceTimersByTimeAsync(5_000);
        await em().execute('select 1');
      }
      expect(await em().execute('show transaction_read_only')).toEqual([{ transaction_read_only: 'off' }]);
    } finally {
      vi.useRealTimers();
      await database.close();
    }
  });
});
