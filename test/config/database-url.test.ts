import { describe, expect, test } from 'vitest';
import { parseDatabaseUrl, withParameters } from '../../src/config/database-url.ts';

describe('a database URL', () => {
  test.each<[string, object]>([
    ['postgres://me:secret@db:5433/name', { hosts: [{ host: 'db', port: 5433 }], user: 'me', password: 'secret', database: 'name' }],
    ['postgresql://db', { hosts: [{ host: 'db', port: 5432 }], user: undefined, password: undefined, database: undefined }],
    ['postgres://me:p%23%2F%25%40%3F%3A@db/name', { password: 'p#/%@?:' }],
    ['postgres://me%40tenant@db/na%20me', { user: 'me@tenant', database: 'na me' }],
    ['postgres://me@[::1]:5433/name', { hosts: [{ host: '::1', port: 5433 }] }],
    ['postgres://me@[2001:db8::7]/name', { hosts: [{ host: '2001:db8::7', port: 5432 }] }],
    ['postgres://me@a:1,b,[::1]:3/name', { hosts: ['a', 'b', '::1'].map((host, index) => ({ host, port: [1, 5432, 3][index] })) }],
    ['postgres:///name?host=/run/postgresql', { hosts: [{ host: '/run/postgresql', port: 5432 }], database: 'name' }],
    ['postgres://me@%2Frun%2Fpostgresql/name', { hosts: [{ host: '/run/postgresql', port: 5432 }] }],
    [
      'postgres://?host=a,b&port=1,2&user=me&dbname=name&password=x',
      {
        hosts: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
        user: 'me',
        password: 'x',
        database: 'name',
      },
    ],
    ['postgres://db/name?ssl=true', { parameters: { sslmode: 'require' } }],
    [
      'postgres://db/name?sslmode=verify-full&options=-c%20statement_timeout%3D5s',
      { parameters: { sslmode: 'verify-full', options: '-c statement_timeout=5s' } },
    ],
  ])('%s', (text, parts) => {
    expect(parseDatabaseUrl(text)).toMatchObject(parts);
  });

  test.each<[string, string]>([
    ['mysql://db/name', 'must be a postgres:// or postgresql:// URL'],
    [
      'postgres://me:se#cret@db/name',
      'must hold no bare #: write # as %23, / as %2F, ? as %3F, @ as %40, : as %3A and % as %25 in a user name or a password',
    ],
    ['postgres://me:se/cret@db/name', 'must hold no bare / or ? before the @: write # as %23'],
    ['postgres://me:se%cret@db/name', 'must hold no bare percent sign: write # as %23'],
    ['postgres://me@::1/name', 'has a host or a port that cannot be read: an IPv6 address stands in brackets ([::1]:5432)'],
    ['postgres://me@db:70000/name', 'has a port that is no number from 1 to 65535'],
    [
      'postgres://db/name?sslmode=requier',
      'has a sslmode that cannot be obeyed: it must be disable, allow, prefer, require, verify-ca or verify-full, not requier',
    ],
    ['postgres://db/name?sslmode=no-verify', 'not no-verify'],
    ['postgres://db/name?pgbouncer=true', "has the parameter pgbouncer, which is Prisma's: remove it"],
    ['postgres://db/name?currentSchema=x', "has the parameter currentSchema, which is JDBC's: write schema=…"],
    ['postgres://db/name?require_auth=scram-sha-256', 'has the parameter require_auth, which the connector cannot obey: remove it'],
    ['postgres://db/name?connect_timeout=soon', 'has a connect_timeout that cannot be obeyed: it must be a number of seconds'],
    ['postgres://db/name?gssencmode=require', 'has a gssencmode that cannot be obeyed: it must be disable or prefer, not require'],
  ])('%s is refused with what is wrong, and without the password', (text, problem) => {
    expect(() => parseDatabaseUrl(text)).toThrow(problem);
    expect(() => parseDatabaseUrl(text)).not.toThrow(/se.?cret/);
  });

  test('takes parameters that it has not, and keeps those that it has', () => {
    const more = { sslmode: 'require', user: 'other', password: 'p@ss/#%', host: 'other', port: '1', dbname: 'other' };
    const full = parseDatabaseUrl(withParameters('postgres://me@db:5433/name?sslmode=disable', more));
    expect(full).toEqual({
      hosts: [{ host: 'db', port: 5433 }],
      user: 'me',
      password: 'p@ss/#%',
      database: 'name',
      parameters: { sslmode: 'disable' },
    });
    const bare = parseDatabaseUrl(withParameters('postgres://', more));
    expect(bare).toEqual({
      hosts: [{ host: 'other', port: 1 }],
      user: 'other',
      password: 'p@ss/#%',
      database: 'other',
      parameters: { sslmode: 'require' },
    });
  });
});
