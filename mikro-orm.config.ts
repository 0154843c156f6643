import { defineConfig } from '@mikro-orm/postgresql';
import { ormOptions } from './src/store/database/database.ts';

/** For MikroORM's own command line (`npx mikro-orm migration:pending`, `migration:check`) on the PostgreSQL of DATABASE_URL. */
export default defineConfig({
  ...ormOptions,
  clientUrl: process.env.DATABASE_URL || 'postgres://postgres@127.0.0.1:5432/postgres',
});
