// One pass of every GitLab connection, for cron or a Kubernetes CronJob:
//   */5 * * * * DATABASE_URL=postgres://… node cron.js
// The exit code is 0 when everything was read, else 1. A pass that would overlap another one ends at once.
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { ConnectionEntity, entities, migrations, syncGitlab } from '@painchain/gitlab-connector';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const orm = await MikroORM.init({
  clientUrl: process.env.DATABASE_URL ?? 'postgres://localhost/painchain',
  entities,
  extensions: [Migrator],
  migrations: { migrationsList: migrations, tableName: 'gitlab_connector_migrations', snapshot: false, silent: true },
});
try {
  await orm.migrator.up();
  for (const { id, name, config } of await orm.em.fork().find(ConnectionEntity, { type: 'gitlab', enabled: true })) {
    const result = await syncGitlab(orm.em, config ?? {}, id, { signal: stop.signal });
    if ('error' in result) {
      console.error(`${name}: ${result.error}`);
      process.exitCode = 1;
      continue;
    }
    console.log(`${name}: fetched ${result.fetched}, stored ${result.stored}`);
    for (const { project, stream, reason } of result.problems.filter(({ expected }) => !expected)) {
      console.error(`${name}: ${project} ${stream ?? ''}: ${reason}`);
      process.exitCode = 1;
    }
  }
} finally {
  await orm.close();
}
