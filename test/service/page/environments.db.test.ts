import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEnvironments } from '../../../src/store/events/read-environments.ts';
import type { EnvironmentsQuery } from '../../../src/store/events/read-environments.ts';
import { describeDatabases } from '../../support/databases.ts';
import { playDeployments, startSite } from './site.ts';
import type { Site } from './site.ts';

describeDatabases('environments', (kind) => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite({ kind });
    await playDeployments(site);
  });
  afterAll(() => site?.close());

  const at = (time: string) => new Date(`2026-11-23T${time}:00Z`);
  /** Environments, each with its deployments: number, status, and the time of its end. */
  const read = async (more: Partial<EnvironmentsQuery> = {}) => {
    const projects = ['acme/web/shop', 'acme/api'].map((project) => ({ connectionId: site.connectionId, project }));
    const query = { projects, from: at('08:20'), to: at('08:40'), limit: 8, deployments: 60, ...more };
    const { environments, hidden } = await readEnvironments(site.em, query);
    const named = environments.map(({ project, environment, tier, deployments, leftOut }) => [
      `${project} ${environment} ${tier} ${leftOut}`,
      ...deployments.map(
        ({ iid, status, finishedAt, sha, isRollback, isCurrent }) =>
          `${iid} ${sha?.slice(0, 1)} ${status} ${finishedAt?.slice(11, 16)}${isRollback ? ' rollback' : ''}${isCurrent ? ' current' : ''}`,
      ),
    ]);
    return { named, hidden };
  };

  test('have what ran before the window and what was deployed in it, production first', async () => {
    expect(await read()).toEqual({
      named: [
        ['acme/api production production 0', '1 f success 08:22 current'],
        [
          'acme/web/shop production production 0',
          '1 a success 08:00',
          '3 b success 08:22',
          '4 c failed 08:26',
          '5 a success 08:30 rollback current',
        ],
        ['acme/web/shop staging staging 0', '2 b success 08:05 current', '6 d running undefined'],
      ],
      hidden: 0,
    });
    expect((await read({ from: at('08:25'), to: at('08:28') })).named.flat()).toEqual([
      'acme/web/shop production production 0',
      '3 b success 08:22',
      '4 c failed 08:26',
      'acme/api production production 0',
      '1 f success 08:22 current',
      'acme/web/shop staging staging 0',
      '2 b success 08:05 current',
    ]);
    expect((await read({ from: at('08:01'), to: at('08:02') })).named).toEqual([
      ['acme/web/shop production production 0', '1 a success 08:00'],
    ]);
    expect((await read({ from: at('07:00'), to: at('08:00') })).named).toEqual([]);
  });

  test('are bounded, and say how many more there are', async () => {
    expect(await read({ limit: 1, deployments: 2 })).toEqual({
      named: [['acme/api production production 0', '1 f success 08:22 current']],
      hidden: 2,
    });
    const projects = [{ connectionId: site.connectionId, project: 'acme/web/shop' }];
    expect((await read({ projects, limit: 1, deployments: 2 })).named).toEqual([
      ['acme/web/shop production production 1', '1 a success 08:00', '4 c failed 08:26', '5 a success 08:30 rollback current'],
    ]);
    expect(await read({ projects: [{ connectionId: site.connectionId + 1, project: 'acme/api' }] })).toEqual({ named: [], hidden: 0 });
  });

  test('have lanes on the page, as far as GitLab was read, that lead to rows and changes', async () => {
    const text = async (path: string) => (await fetch(`${site.url}${path}`)).text();
    const section = (page: string) => /<section class="lanes" id="environments"[\s\S]*?<\/section>/.exec(page)?.[0] ?? '';
    const page = section(await text('/?from=08:20&to=08:40'));
    const titles = Array.from(page.matchAll(/<title>(.*?)<\/title\s*>/g), ([, title = '']) => title);
    const by = (iid: number) => ` (deployment #${iid} by ada)`;
    expect(titles).toEqual([
      'not read yet',
      'no earlier successful deployment is stored',
      `main ffffffff from 2026-11-23 08:22:00${by(1)}`,
      'not read yet',
      `main aaaaaaaa from 2026-11-23 08:00:00 to 2026-11-23 08:22:00${by(1)}`,
      `main bbbbbbbb from 2026-11-23 08:22:00 to 2026-11-23 08:30:00${by(3)}`,
      `rolled back: main aaaaaaaa from 2026-11-23 08:30:00${by(5)}`,
      `failed: &lt;b&gt;hostile⟨U+202E⟩&quot; cccccccc at 2026-11-23 08:26:00${by(4)}`,
      'not read yet',
      `main bbbbbbbb from 2026-11-23 08:05:00${by(2)}`,
      `running: main dddddddd since 2026-11-23 08:35:00${by(6)}`,
    ]);
    expect(page.match(/<use href="#s-(back|cross)"/g)).toEqual(['<use href="#s-back"', '<use href="#s-cross"']);
    expect(page.match(/class="running"/g)).toHaveLength(1);
    expect(page).not.toMatch(/<b>|\u202E| style=/);
    const links = Array.from(page.matchAll(/<a href="(.)[^"]*" class="[^"]*k-deployment/g), ([, start = '']) => start);
    // What was deployed before the window has no row in the list.
    expect(links.join('')).toBe('#/###/#');
    expect(section(await text('/?from=08:20&to=08:40&project=acme/api'))).not.toContain('staging');
    for (const without of ['type=mr', 'project=acme/nothing', 'from=07:00&to=07:30'])
      expect([without, section(await text(`/?from=08:20&to=08:40&${without}`))]).toEqual([without, '']);
  });
});
