import { createFakeGitlab } from '../../../fake-gitlab/fake-gitlab.ts';
import { minutes } from '../../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../../fake-gitlab/world/world.ts';
import { syncGitlab } from '../../../src/index.ts';
import { startHealthServer } from '../../../src/service/health-server.ts';
import { createPage, pagePaths } from '../../../src/service/page/page.ts';
import { openTestDatabase } from '../../support/databases.ts';
import type { DatabaseKind } from '../../support/databases.ts';
import { fakeUrl, fetchFrom } from '../../support/fake.ts';
import { addConnection } from '../../support/rows.ts';

/** A page over a database that a GitLab of the tests was synced into. */
export interface Site {
  readonly world: World;
  readonly url: string;
  readonly connectionId: number;
  readonly em: Awaited<ReturnType<typeof openTestDatabase>>['em'];
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Options of a site. */
export interface SiteOptions {
  readonly password?: string;
  /** @default 'postgres' */
  readonly kind?: DatabaseKind;
}

/** Starts a site with the clock of its world. */
export async function startSite({ password, kind = 'postgres' }: SiteOptions = {}): Promise<Site> {
  const world = new World();
  const fake = createFakeGitlab(world);
  const database = await openTestDatabase(kind);
  const connectionId = await addConnection(database.em, fakeUrl);
  const app = createPage({
    served: () => Promise.resolve({ em: database.em, urls: new Map([[connectionId, fakeUrl]]) }),
    password: password ?? null,
    now: () => new Date(Math.floor(world.now / 1000)),
  });
  const page = { paths: pagePaths, fetch: app.fetch };
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, page }, {});
  const sync = async () => {
    const config = { token: goodToken, url: fakeUrl, branches: 'main', tagChecks: 5 };
    const report = await syncGitlab(database.em, config, connectionId, { fetch: fetchFrom(fake) });
    if ('error' in report) throw new Error(report.error);
  };
  const close = async () => {
    await server.close();
    await database.close();
  };
  return { world, url: server.url, connectionId, em: database.em, sync, close };
}

/** A title that tries everything. */
export const hostileTitle = '<img src=x onerror="window.hacked=1"></title><script>window.hacked=1</script> \u202Eevil\u001b[31m & "quotes"';

/** The incident that the tests look at: it begins at minute 20 and ends at minute 40. */
export async function playIncident({ world, sync }: Pick<Site, 'world' | 'sync'>): Promise<void> {
  const shop = world.addProject('acme/web/shop');
  const api = world.addProject('acme/api');
  shop.git.commit('main', { title: 'first' });
  shop.git.reset('feature', shop.git.branches.get('main') ?? '');
  api.git.commit('main', { title: 'first' });
  const repository = shop.addImageRepository('web');
  const old = shop.pushTag(repository, 'prod').digest;
  world.pass(minutes(5));
  await sync();
  shop.pushTag(repository, 'prod');
  const merged = shop.openMergeRequest({ title: 'Refunds', sourceBranch: 'feature' });
  await sync();
  world.pass(minutes(15));
  shop.openMergeRequest({ title: hostileTitle });
  const pipeline = shop.startPipeline({ ref: 'main', jobs: [{ name: 'e2e' }] });
  const green = api.startPipeline({ ref: 'main', jobs: [{ name: 'unit' }] });
  world.pass(minutes(3));
  shop.mergeMergeRequest(merged);
  world.pass(minutes(3));
  shop.finishPipeline(pipeline, 'FAILED');
  api.createRelease({ tag: 'v2.4.0', name: 'Orders 2.4' });
  world.pass(minutes(4));
  api.finishPipeline(green, 'SUCCESS');
  shop.pushTag(repository, 'prod', { digest: old, createdAt: world.now - minutes(600) });
  world.pass(minutes(2));
  for (const title of ['one', 'two', 'three']) api.git.commit('main', { title, committedAt: world.now - minutes(3000) });
  await sync();
  world.pass(minutes(8));
}

/** Deployments to three environments: those of shop from before 08:20, a failed one, a rollback at 08:30, and one that runs at the end, 08:40. */
export async function playDeployments({ world, sync }: Pick<Site, 'world' | 'sync'>): Promise<void> {
  const shop = world.addProject('acme/web/shop');
  const api = world.addProject('acme/api');
  const sha = (letter: string) => letter.repeat(40);
  const [staging, production] = [shop.deployments.addEnvironment('staging'), shop.deployments.addEnvironment('production')];
  const other = api.deployments.addEnvironment('production');
  const pipelineOf = (letter: string, ref = 'main') => shop.startPipeline({ ref, sha: sha(letter) });
  shop.deployments.deploy(production, { pipeline: pipelineOf('a') });
  world.pass(minutes(5));
  shop.deployments.deploy(staging, { pipeline: pipelineOf('b') });
  world.pass(minutes(17));
  shop.deployments.deploy(production, { pipeline: pipelineOf('b') });
  api.deployments.deploy(other, { pipeline: api.startPipeline({ ref: 'main', sha: sha('f') }) });
  world.pass(minutes(4));
  shop.deployments.deploy(production, { pipeline: pipelineOf('c', '<b>hostile\u202E"') }, 'FAILED');
  world.pass(minutes(4));
  shop.deployments.deploy(production, { pipeline: pipelineOf('a') });
  world.pass(minutes(5));
  shop.deployments.move(shop.deployments.create(staging, { pipeline: pipelineOf('d') }), 'RUNNING');
  world.pass(minutes(1));
  await sync();
  world.pass(minutes(4));
}
