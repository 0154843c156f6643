import { afterEach, expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { readTimeline } from '../../src/index.ts';
import type { TimelineChange } from '../../src/index.ts';
import { createPage } from '../../src/service/page/page.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { createTestDatabase, describeDatabases } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { runCli } from '../support/run-cli.ts';

/** A project with a commit, a branch and a place for images. */
function setScene() {
  const made = new World();
  const shop = made.addProject('acme/shop');
  shop.git.commit('main', { title: 'first' });
  shop.git.reset('refunds', shop.git.branches.get('main') ?? '');
  return { made, shop, images: shop.addImageRepository('web') };
}
type Scene = ReturnType<typeof setScene>;

/** What happens between 08:20 and 08:30, at a minute each. Returns the lines that say it. */
function playIncident({ made, shop, images }: Scene, before: ReturnType<typeof playEve>): string[] {
  shop.openMergeRequest({ title: 'Retry payments' });
  made.pass(minutes(2));
  shop.mergeMergeRequest(before.refunds);
  made.pass(minutes(2));
  shop.finishPipeline(before.pipeline, 'FAILED');
  made.pass(minutes(2));
  shop.pushTag(images, 'prod', { digest: before.good, createdAt: made.now - minutes(600) });
  made.pass(minutes(2));
  for (const title of ['one', 'two']) shop.git.commit('main', { title, committedAt: made.now - minutes(3000), authorName: 'linus' });
  return [
    '08:20 MR opened !2 Retry payments',
    '08:22 MR merged !1 into main by grace',
    `08:22 Commit ${before.refunds.mergeCommitSha?.slice(0, 8)} on main: Merge branch 'refunds' into 'main'`,
    `08:24 Pipeline pipeline #${before.pipeline.id} failed on main: e2e`,
    `08:26 Image web:prod rolled back → ${before.good.slice(7, 15)} (was ${before.bad.slice(7, 15)})`,
    '08:28 Commit 2 commits on main (by linus, of 2 days ago)',
  ];
}

function playEve({ made, shop, images }: Scene, good: string) {
  const bad = shop.pushTag(images, 'prod').digest;
  const refunds = shop.openMergeRequest({ title: 'Refunds', sourceBranch: 'refunds' });
  const pipeline = shop.startPipeline({ ref: 'main', jobs: [{ name: 'e2e' }] });
  made.pass(minutes(5));
  return { good, bad, refunds, pipeline };
}

let served: Served;
let database: TestDatabase;
afterEach(async () => {
  await served.close();
  await database.remove();
});

describeDatabases('what changed between 08:20 and 08:30', (kind) => {
  test('is the same in the command, the library, the view and the page, whatever came after', async () => {
    const scene = setScene();
    const { made, shop, images } = scene;
    served = await serve(createFakeGitlab(made));
    database = await createTestDatabase(kind);
    const { databaseUrl, dataDir } = database.options;
    const env = {
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir }),
      GITLAB_TOKEN: goodToken,
      GITLAB_URL: served.url,
      BRANCHES: 'main',
      TAG_CHECKS: '5',
    };
    const sync = async () => expect(await runCli(['sync'], env)).toMatchObject({ code: 0, err: '' });
    const good = shop.pushTag(images, 'prod').digest;
    made.pass(minutes(10));
    await sync();
    const before = playEve(scene, good);
    await sync();
    made.pass(minutes(5));
    const expected = playIncident(scene, before);
    await sync();
    made.pass(minutes(3));
    await sync();
    shop.editMergeRequest(before.refunds, { notes: 3 });
    shop.retryPipeline(before.pipeline);
    made.pass(minutes(5));
    await sync();

    const window = ['--from', '2026-11-23T08:20Z', '--to', '2026-11-23T08:30Z', '--utc'];
    const table = await runCli(['timeline', ...window], env);
    const rows = table.out.split('\n').filter((line) => line.startsWith('│ 2026'));
    const cellsOf = (row: string) => row.split('│').map((cell) => cell.trim());
    // An author stands behind the headline where it does not name one.
    const shown = rows.map(cellsOf).map(([, when = '', type = '', , what = '']) => `${when.slice(11, 16)} ${type} ${what}`);
    expect(shown.map((line) => (line.includes(' commits on ') ? line : line.replace(/ \((?!was )[^()]*\)$/, '')))).toEqual(expected);
    expect(table.out).toContain('7 changes\n');
    const { changes } = JSON.parse((await runCli(['timeline', ...window, '--json'], env)).out) as { changes: TimelineChange[] };

    const opened = await openDatabase(database.options);
    const { em } = opened;
    try {
      const query = { from: new Date('2026-11-23T08:20Z'), to: new Date('2026-11-23T08:30Z') };
      expect((await readTimeline(em, query)).changes).toEqual(changes);
      const view = await em.fork().execute<Array<Pick<TimelineChange, 'headline'>>>(
        `select headline from gitlab_timeline where happened_at >= '2026-11-23T08:20Z' and happened_at < '2026-11-23T08:30Z' and not is_noise
           order by happened_at, version_id`,
      );
      expect(view.map(({ headline }) => headline)).toEqual(changes.map(({ headline }) => headline));
      const page = createPage({ served: () => Promise.resolve({ em, urls: new Map([[1, served.url]]) }), password: null });
      const html = await (await page.request('/?from=2026-11-23T08:20Z&to=2026-11-23T08:30Z')).text();
      const rowsOfPage = html.slice(html.indexOf('id="rows"'));
      const listed = [
        ...rowsOfPage.matchAll(/>([\d:]{5}):\d\d<\/time\s*>.*?<span class="kind">(.*?)<\/span>\s*<span class="what">(.*?)<\/span>/gs),
      ]
        .map(([, time = '', type = '', what = '']) => [time, type, what].map(textOf).join(' '))
        .filter((line) => !/ commit [0-9a-f]{8} on main: (one|two)$/.test(line));
      const words = { MR: 'merge request', Pipeline: 'pipeline', Image: 'image', Commit: 'commit' };
      expect(listed).toEqual(
        expected.map((line) => line.replace(/ (MR|Pipeline|Image|Commit) /, (_, type: keyof typeof words) => ` ${words[type]} `)),
      );
    } finally {
      await opened.close();
    }
  });
});

const textOf = (html: string) =>
  html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&#39;', "'")
    .trim();
