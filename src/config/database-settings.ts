import * as z from 'zod';
import { setting } from './setting.ts';
import { databaseUrl, filePath } from './values.ts';

/** The settings of the database, in the order of the README. */
export const databaseShape = {
  databaseUrl: setting(databaseUrl.optional(), {
    env: 'DATABASE_URL',
    value: 'url',
    secret: true,
    defaultText: 'the embedded database',
    description:
      'PostgreSQL 13 or later to store events in: `postgres://user:password@host:5432/name`, with the parameters of libpq and `schema`. In a password write `#` as `%23`, `/` as `%2F` and `%` as `%25`. `PGSSLMODE` and the other variables of libpq complete it.',
  }),
  databaseSchema: setting(z.string({ error: 'must be the name of a schema' }).trim().optional(), {
    env: 'DATABASE_SCHEMA',
    value: 'name',
    defaultText: 'the first schema of the search path',
    description: 'Schema of the tables in the PostgreSQL, in place of `schema` in DATABASE_URL. It must exist.',
  }),
  databasePasswordFile: setting(filePath.optional(), {
    env: 'DATABASE_PASSWORD_FILE',
    value: 'file',
    defaultText: 'the password in DATABASE_URL',
    description: 'File that holds the password of the PostgreSQL, in place of a password in DATABASE_URL. Read again for each new session.',
  }),
  databasePasswordCommand: setting(z.string({ error: 'must be a command' }).trim().min(1, 'must be a command').optional(), {
    env: 'DATABASE_PASSWORD_COMMAND',
    value: 'command',
    defaultText: 'none',
    description:
      'Command that prints the password of the PostgreSQL, in place of a password in DATABASE_URL, such as `aws rds generate-db-auth-token …`. A shell runs it for each new session; it may take 30 seconds.',
  }),
  dataDir: setting(filePath.default('./data'), {
    env: 'DATA_DIR',
    value: 'folder',
    description: 'Folder of the embedded database; used when DATABASE_URL is not set.',
  }),
} as const;
