import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import type { createDemoWorld as CreateDemoWorld } from '../../../fake-gitlab/demo-world.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { readEvents, readHistory } from '../../store/events/read-events.ts';
import type { Database } from '../../store/database/database.ts';
import { eventTable } from '../event-table.ts';
import { historyTable } from '../history-table.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { summaryText } from '../summary.ts';
import { widthOf } from '../table.ts';
import { withDatabase } from '../with-database.ts';
import { reportFailure, syncWithProgress } from './sync.ts';

/** `gitlab-connector demo`: shows the connector at work, with its own GitLab and database. */
export function addDemo(program: Command, io: Io, end: (code: ExitCode) => void): void {
  program
    .command('demo')
    .summary('see the connector work, with its own small GitLab and its own database')
    .description(
      'Starts a small GitLab in this process, syncs it into an embedded database, changes it, syncs again, and shows what changed. Leaves nothing behind.',
    )
    .action(async () => {
      const dataDir = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-demo-'));
      try {
        end(await demo(dataDir, io));
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    });
}

async function demo(dataDir: string, io: Io): Promise<ExitCode> {
  // Loaded here, because no other command needs the fake GitLab.
  const [{ createDemoWorld }, { createFakeGitlab }, { serve }, { goodToken }] = await Promise.all([
    import('../../../fake-gitlab/demo-world.ts'),
    import('../../../fake-gitlab/fake-gitlab.ts'),
    import('../../../fake-gitlab/serve.ts'),
    import('../../../fake-gitlab/world/world.ts'),
  ]);
  const demoWorld = createDemoWorld();
  const served = await serve(createFakeGitlab(demoWorld.world));
  try {
    const config = parseConfig({ token: goodToken, url: served.url, branches: 'main', dataDir });
    io.out.write(`A small GitLab runs at ${served.url}. Creating a database for the demo takes some seconds.\n\n`);
    return await withDatabase(config, (database) => showPasses({ database, config, io, demoWorld }));
  } finally {
    await served.close();
  }
}

/** Event id of the merge request that `happen` merges. */
const mergedInDemo = 'mr-acme/web/shop-2';

interface Show {
  readonly database: Database;
  readonly config: ReturnType<typeof parseConfig>;
  readonly io: Io;
  readonly demoWorld: ReturnType<typeof CreateDemoWorld>;
}

async function showPasses({ database, config, io, demoWorld }: Show): Promise<ExitCode> {
  await database.migrate();
  io.out.write('First sync: everything is new.\n');
  const first = await syncWithProgress({ database, config, io });
  if ('error' in first) return reportFailure(first, io);
  io.out.write(summaryText(first));
  io.out.write(eventTable((await readEvents(database.em, { limit: 100 })).events, widthOf(io.out), { hasLinks: false }));

  const changedFrom = new Date();
  demoWorld.happen();
  io.out.write(
    '\nMeanwhile a merge request was approved and merged, a pipeline failed, an image tag moved and a release appeared.\nSecond sync: writes only what has changed.\n',
  );
  const second = await syncWithProgress({ database, config, io });
  if ('error' in second) return reportFailure(second, io);
  io.out.write(summaryText(second));
  io.out.write(
    eventTable((await readEvents(database.em, { limit: 100, storedSince: changedFrom })).events, widthOf(io.out), { hasLinks: false }),
  );

  const versions = await readHistory(database.em, { eventId: mergedInDemo });
  io.out.write(`\nThe history of ${mergedInDemo}:\n${historyTable(versions ?? [], widthOf(io.out))}`);

  io.out.write('\nThird sync: nothing has changed.\n');
  const third = await syncWithProgress({ database, config, io });
  if ('error' in third) return reportFailure(third, io);
  io.out.write(`fetched ${third.fetched}, stored ${third.stored}\n\nTo sync your own GitLab: GITLAB_TOKEN=… npx gitlab-connector sync\n`);
  return exitCodes.ok;
}
