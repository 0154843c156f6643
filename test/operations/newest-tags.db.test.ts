import { expect, test } from 'vitest';
import { latest } from '../../fake-gitlab/graphql/variant.ts';
import { days, minutes } from '../../fake-gitlab/world/time.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('the tags of container registries', (kind) => {
  const given = useSync(kind);
  const config = { syncLimit: 'all', projectLimit: 0, reconcileInterval: 86_400, maxRequestsPerMinute: 0 };
  /** The questions of a pass about tags, after ten minutes. */
  const pass = async (options: object = {}) => {
    given.world.pass(minutes(10));
    const before = given.fake.seen.length;
    const report = await given.sync({ ...config, ...options });
    const operations = given.fake.seen.slice(before).map(({ operation }) => operation);
    return {
      newest: operations.filter((operation) => operation === 'NewestTags').length,
      described: operations.filter((operation) => operation === 'DescribedTags').length,
      rest: operations.filter((operation) => operation.includes('/registry/')).length,
      stored: report.stored,
    };
  };
  const idle = { described: 0, rest: 0, stored: 0 };
  const addProject = (name: string, tags: readonly string[]) => {
    const project = given.world.addProject(`acme/${name}`);
    const repository = project.addImageRepository('web');
    for (const tag of tags) project.pushTag(repository, tag);
    return { project, repository, push: (tag: string) => project.pushTag(repository, tag) };
  };
  const fill = (count: number) => Array.from({ length: count }, (_, index) => addProject(`p${index}`, ['latest', '1.0']));
  const names = (count: number, of: (index: number) => string = (index) => `v${1000 + index}`) =>
    Array.from({ length: count }, (_, index) => of(index));
  /** The images to which tags point now: digest by tag. */
  const current = async () =>
    new Map(
      [...(await given.rows()).values()]
        .filter(({ metadata }) => metadata['is_current'] === true)
        .map(({ metadata }) => [`${metadata['project'] as string}:${metadata['tag'] as string}`, metadata['digest']]),
    );
  const problems = async () => (await given.sync(config)).problems;

  test('are asked for 24 repositories together, and REST for none of them; what was pushed takes one request', async () => {
    const projects = fill(30);
    expect(await pass()).toEqual({ newest: 0, described: 30, rest: 30, stored: 60 });
    for (let again = 0; again < 2; again++) expect(await pass()).toEqual({ newest: 2, ...idle });
    const moved = projects[4]?.push('latest');
    projects[9]?.push('1.1');
    expect(await pass()).toEqual({ newest: 2, described: 2, rest: 0, stored: 2 });
    expect((await current()).get('acme/p4:latest')).toBe(moved?.digest);
    expect((await current()).size).toBe(61);
    expect(await pass()).toEqual({ newest: 2, ...idle });
  });

  test('are asked of REST, and never in GraphQL, where the registry has no metadata database', async () => {
    given.world.hasRegistryMetadata = false;
    const [project] = fill(3);
    // A list that is refused for its kind of pages, three lists, and six tags.
    expect(await pass()).toMatchObject({ newest: 0, described: 0, stored: 6 });
    project?.push('latest');
    expect(await pass()).toMatchObject({ newest: 0, described: 0, stored: 1 });
    given.world.hasRegistryMetadata = true;
    await pass();
    expect(await pass()).toEqual({ newest: 1, ...idle });
    // Lost again: its answer has no times, and REST says why.
    given.world.hasRegistryMetadata = false;
    project?.push('latest');
    expect(await pass()).toMatchObject({ newest: 1, described: 0, stored: 1 });
    expect(await pass()).toMatchObject({ newest: 0, described: 0, stored: 0 });
  });

  test.each([
    ['the time of a push', { version: '16.2', edition: 'EE' } as const],
    ['the order by it', { ...latest, lacks: ['ContainerRepositoryTagSort.PUBLISHED_AT_DESC'] }],
  ])('are asked of REST where GitLab lacks %s: a query or two are refused, and break nothing', async (_, schema) => {
    given.world.schema = schema;
    const [project] = fill(3);
    const first = await pass();
    expect(first.stored).toBe(6);
    const second = await pass();
    project?.push('latest');
    const third = await pass();
    expect(third).toMatchObject({ newest: 0, described: 0, stored: 1 });
    expect(first.described + second.newest).toBeLessThan(7);
    expect(third.rest).toBeGreaterThan(3);
    expect(await problems()).toEqual([]);
  });

  test('are asked of REST where GitLab does not say them', async () => {
    const [one, two, three] = fill(3);
    await pass();
    given.fake.intercept = (_, { operation }) => (operation === 'NewestTags' ? new Response('{}', { status: 500 }) : undefined);
    one?.push('latest');
    expect(await pass({ maxAttempts: 1 })).toMatchObject({ rest: 3, described: 3, stored: 1 });
    given.fake.intercept = async (request, { operation }) => {
      if (operation !== 'NewestTags') return undefined;
      const answer = (await (await given.fake.answer(request.clone())).json()) as { data: Record<string, { tags: { nodes: unknown[] } }> };
      const { r1, r2 } = answer.data;
      // The tag that was pushed is not in it.
      r1?.tags.nodes.shift();
      r2?.tags.nodes.splice(0, 1, null);
      return Response.json({ data: { ...answer.data, r0: null }, errors: [{ message: 'Timeout', path: ['r1', 'tags', 'nodes', 0] }] });
    };
    two?.push('latest');
    three?.push('latest');
    expect(await pass()).toMatchObject({ rest: 3, stored: 2 });
    given.fake.intercept = undefined;
    await pass();
    expect(await pass()).toMatchObject({ newest: 1, ...idle });
  });

  test('that were pushed are all found, also where there are more than a page shows', async () => {
    const { push } = addProject('shop', names(60));
    await pass({ tagLimit: 0 });
    await pass();
    for (const name of [...names(60).slice(0, 25), ...names(5, (index) => `new-${index}`)]) push(name);
    // The names are listed, and all tags are looked at.
    expect(await pass({ tagChecks: 1 })).toEqual({ newest: 1, described: 1, rest: 1, stored: 25 + 5 });
    expect(await pass()).toEqual({ newest: 1, ...idle });
  });

  test('that are deleted are missed at once where the page has all tags, else at a reconcile', async () => {
    const small = addProject('small', names(3));
    const large = addProject('large', names(30));
    await pass();
    for (const { project, repository } of [small, large]) project.deleteTag(repository, 'v1001');
    expect(await pass()).toMatchObject({ newest: 1, rest: 1, described: 0 });
    const deleted = async () => ['small', 'large'].filter((name) => !shown.has(`acme/${name}:v1001`));
    let shown = await current();
    expect(await deleted()).toEqual(['small']);
    given.world.pass(days(2));
    await pass();
    shown = await current();
    expect(await deleted()).toEqual(['small', 'large']);
  });

  test('are described 300 in a request, by the names that are known', async () => {
    addProject('shop', names(310));
    expect(await pass({ tagLimit: 0 })).toEqual({ newest: 0, described: 2, rest: 4, stored: 310 });
    given.world.pass(days(2));
    expect(await pass({ tagLimit: 0 })).toMatchObject({ described: 2, stored: 0 });
  });

  test('are the same rows from GraphQL and from REST: milliseconds, sizes and images of several platforms make no version', async () => {
    const { project, repository } = addProject('shop', ['latest', '1.0', 'empty']);
    project.pushTag(repository, 'multi', { isMultiArch: true, createdAt: null, totalSize: null });
    const noPages = (_: Request, { operation }: { operation: string }) =>
      operation === 'DescribedTags' ? new Response('{}', { status: 500 }) : undefined;
    given.world.pass(minutes(7));
    expect(await pass()).toMatchObject({ described: 1, stored: 4 });
    const rows = await given.rows();
    given.fake.intercept = noPages;
    expect(await pass({ reconcileInterval: 0, maxAttempts: 1 })).toMatchObject({ rest: 1 + 4, stored: 0 });
    project.pushTag(repository, 'latest');
    expect(await pass({ maxAttempts: 1 })).toMatchObject({ stored: 1 });
    given.fake.intercept = undefined;
    expect(await pass({ reconcileInterval: 0 })).toMatchObject({ described: 1, stored: 0 });
    expect([...(await given.rows()).keys()]).toEqual(expect.arrayContaining([...rows.keys()]));
  });

  test('beside a hundred names that contain theirs are described in GraphQL; REST alone calls them neither broken nor deleted', async () => {
    const { push } = addProject('shop', [...names(100, (index) => `feature-main-${100 + index}`), 'main']);
    await pass({ tagLimit: 0 });
    expect([...(await current()).keys()]).toContain('acme/shop:main');
    expect(await problems()).toEqual([]);
    given.fake.intercept = (_, { operation }) => (operation === 'DescribedTags' ? new Response('{}', { status: 500 }) : undefined);
    const now = push('main');
    given.world.pass(minutes(10));
    const { problems: found } = await given.sync({ ...config, maxAttempts: 1 });
    const reason = "GitLab's REST API finds a tag only among the first 100 whose names contain its name: main comes after 100 others";
    expect(found).toMatchObject([
      { stream: 'registry-images', scope: 'acme/shop/web', reason: expect.stringContaining(reason) as unknown },
    ]);
    expect([...(await current()).keys()]).toContain('acme/shop:main');
    given.fake.intercept = undefined;
    given.world.pass(days(2));
    await pass();
    expect((await current()).get('acme/shop:main')).toBe(now.digest);
  });

  test('that are deleted while they are described are gone, and not broken', async () => {
    const { project, repository, push } = addProject('shop', names(30));
    await pass();
    push('v1001');
    push('v1002');
    given.fake.intercept = (_, { operation }) => {
      if (operation === 'DescribedTags') project.deleteTag(repository, 'v1001');
      return undefined;
    };
    expect(await pass()).toMatchObject({ newest: 1, described: 1, stored: 1 });
    expect([...(await current()).keys()]).not.toContain('acme/shop:v1001');
    expect(await problems()).toEqual([]);
  });

  test('of a walk that was stopped are listed again: those that it left are not the newest', async () => {
    const { push } = addProject('shop', ['latest']);
    await pass();
    await pass();
    // The tags that are pushed last are described first.
    for (const name of names(320).toReversed()) {
      given.world.pass();
      push(name);
    }
    const stop = new AbortController();
    let asked = 0;
    given.fake.intercept = (_, { operation }) => {
      if (operation === 'DescribedTags' && ++asked === 2) stop.abort();
      return undefined;
    };
    given.world.pass(minutes(10));
    await given.run(config, { signal: stop.signal }).catch(() => undefined);
    given.fake.intercept = undefined;
    expect((await current()).size).toBe(300);
    expect(await pass()).toMatchObject({ rest: 4 });
    expect((await current()).size).toBe(321);
  });

  test('that TAG_LIMIT left out are noticed in the next pass when they move', async () => {
    const { push } = addProject('shop', names(60));
    const limited = { tagLimit: 5, tagChecks: 0 };
    expect(await pass(limited)).toMatchObject({ stored: 5 });
    expect(await pass(limited)).toMatchObject({ described: 0, stored: 0 });
    const moved = push('v1003');
    expect(await pass(limited)).toMatchObject({ described: 1, rest: 0, stored: 1 });
    expect((await current()).get('acme/shop:v1003')).toBe(moved.digest);
    expect(await pass(limited)).toMatchObject({ described: 0, rest: 0, stored: 0 });
  });
});
