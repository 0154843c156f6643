import type { FakeProject } from './world/project.ts';
import type { FakeFile } from './world/records.ts';
import { hours, minutes } from './world/time.ts';
import { World } from './world/world.ts';

/** The GitLab of the demo: a few projects with history, and a function that changes them. */
export interface DemoWorld {
  readonly world: World;
  /** A merge request is merged, a pipeline fails, a tag moves, a release appears and is deployed, an approval is given. */
  readonly happen: () => void;
}

const file = (path: string, additions: number, deletions = 0): FakeFile => ({ path, additions, deletions });

/** Builds the demo's world, which is the same at every call. */
export function createDemoWorld(): DemoWorld {
  const world = new World('2026-11-23T06:00:00Z');
  const shop = createShop(world);
  const api = createApi(world);
  createInfrastructure(world);
  return {
    world,
    happen: () => {
      world.pass(minutes(12));
      mergeCheckout(world, shop);
      releaseApi(world, api);
    },
  };
}

function createShop(world: World): FakeProject {
  const shop = world.addProject('acme/web/shop');
  shop.git.commit('main', { title: 'Start the shop', authorName: 'Ada Lovelace', additions: 420 });
  world.pass(hours(1));
  shop.git.commit('main', { title: 'Show prices with taxes', authorName: 'Grace Hopper', additions: 38, deletions: 12 });
  const taxes = shop.openMergeRequest({
    title: 'Show prices with taxes',
    author: 'grace',
    labels: ['backend', 'billing'],
    files: [file('src/price.ts', 30, 10), file('test/price.test.ts', 8, 2)],
  });
  shop.approve(taxes, 'ada');
  shop.mergeMergeRequest(taxes, 'ada');
  const green = shop.startPipeline({ ref: 'main', jobs: [{ name: 'unit' }, { name: 'e2e' }] });
  world.pass(minutes(7));
  shop.finishPipeline(green, 'SUCCESS');
  const checkout = shop.openMergeRequest({
    title: 'Checkout in one page',
    author: 'linus',
    labels: ['frontend', 'checkout'],
    notes: 4,
    files: [file('src/checkout.tsx', 212, 80), file('src/cart.ts', 14, 3), file('test/checkout.test.ts', 96)],
  });
  shop.git.commit('feature-2', {
    title: 'Checkout in one page',
    authorName: 'Linus Torvalds',
    additions: 322,
    deletions: 83,
    parents: [shop.git.branches.get('main') ?? ''],
  });
  shop.approve(checkout, 'ada');
  shop.openMergeRequest({ title: 'Draft: dark mode', author: 'margaret', draft: true, files: [file('src/theme.css', 60)] });
  const image = shop.addImageRepository('');
  shop.pushTag(image, '1.4.0', { totalSize: 48_234_496 });
  shop.pushTag(image, 'latest', { totalSize: 48_234_496 });
  return shop;
}

function createApi(world: World): FakeProject {
  const api = world.addProject('acme/api');
  api.git.commit('main', { title: 'Serve orders', authorName: 'Barbara Liskov', additions: 900 });
  world.pass(minutes(20));
  const retries = api.openMergeRequest({
    title: 'Retry payments that time out',
    author: 'barbara',
    labels: ['payments'],
    files: [file('src/payments/retry.go', 75, 4)],
  });
  api.approve(retries, 'grace');
  api.mergeMergeRequest(retries, 'grace');
  api.createRelease({
    tag: 'v2.3.0',
    name: 'Orders 2.3',
    links: [{ name: 'api-linux-amd64.tar.gz', url: 'https://example.com/api-linux-amd64.tar.gz' }],
  });
  const flaky = api.startPipeline({ ref: 'main', jobs: [{ name: 'lint', stage: 'check' }, { name: 'unit' }, { name: 'integration' }] });
  world.pass(minutes(9));
  api.finishPipeline(flaky, 'FAILED', ['integration']);
  const image = api.addImageRepository('server');
  api.pushTag(image, 'v2.3.0', { totalSize: 1_610_612_736 });
  api.deployments.deploy(api.deployments.addEnvironment('production'), { ref: 'v2.2.0', isTag: true, user: 'grace' });
  return api;
}

function createInfrastructure(world: World): void {
  const infra = world.addProject('acme/infra');
  infra.git.commit('main', { title: 'Raise the memory of the payment pods', authorName: 'Edsger Dijkstra', additions: 2, deletions: 2 });
  const deploy = infra.startPipeline({
    ref: 'main',
    source: 'schedule',
    user: null,
    jobs: [{ name: 'plan' }, { name: 'apply', stage: 'deploy' }],
  });
  world.pass(minutes(3));
  infra.finishPipeline(deploy, 'CANCELED', ['apply']);
}

function mergeCheckout(world: World, shop: FakeProject): void {
  const [, checkout] = shop.mergeRequests;
  if (checkout) {
    shop.approve(checkout, 'grace');
    shop.mergeMergeRequest(checkout, 'grace');
  }
  const broken = shop.startPipeline({ ref: 'main', jobs: [{ name: 'unit' }, { name: 'e2e' }] });
  world.pass(minutes(5));
  shop.finishPipeline(broken, 'FAILED', ['e2e']);
  const [image] = shop.imageRepositories;
  if (image) shop.pushTag(image, 'latest', { totalSize: 51_380_224 });
}

function releaseApi(world: World, api: FakeProject): void {
  world.pass(minutes(4));
  api.createRelease({ tag: 'v2.4.0', name: 'Orders 2.4' });
  const [production] = api.deployments.environments;
  const rollout = api.startPipeline({ ref: 'main', user: 'barbara', jobs: [{ name: 'deploy', stage: 'deploy' }] });
  world.pass(minutes(2));
  if (production) api.deployments.deploy(production, { pipeline: rollout, job: { id: rollout.jobs[0]?.id ?? 0, name: 'deploy' } });
  api.finishPipeline(rollout, 'SUCCESS');
}
