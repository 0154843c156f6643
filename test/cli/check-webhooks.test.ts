import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startChecking } from './checking.ts';
import type { Checking } from './checking.ts';

let checking: Checking;
beforeEach(async () => {
  checking = await startChecking();
});
afterEach(() => checking.close());

const WEBHOOK_SECRET = 'das-wort-der-hooks';
const all = {
  push_events: true,
  tag_push_events: true,
  merge_requests_events: true,
  pipeline_events: true,
  releases_events: true,
  deployment_events: true,
  alert_status: 'executable',
} as const;
const url = 'https://ada:hunter2@poller.example.com:8080/hooks/gitlab?key=hunter2';

describe('the check of webhooks', () => {
  const look = async (more: Readonly<Record<string, string>> = {}) => {
    const report = await checking.check({ WEBHOOK_SECRET, ...more });
    expect(JSON.stringify(report.checks)).not.toMatch(/hunter2|das-wort/);
    const { result = '', detail = '' } = report.of('webhooks') ?? {};
    return { result, detail, code: report.code, rest: report.requests.rest };
  };

  test('is made only where hooks are on', async () => {
    expect((await checking.check()).of('webhooks')).toBeUndefined();
  });

  test('says what the token may not see, which is no failure, in any edition', async () => {
    const hidden = {
      result: 'skipped',
      detail:
        'a hook to /hooks/gitlab was found for 0 of 1 project; for acme/shop this token may not see all hooks: those of a project need the role Maintainer, those of a group Owner',
      code: 0,
      rest: 3,
    };
    expect(await look()).toEqual(hidden);
    checking.world.webhooks.set('acme/shop', []);
    expect(await look()).toEqual(hidden);
    checking.world.version = '18.8.2';
    expect(await look()).toEqual(hidden);
  });

  test('finds the hook of a project without asking for its groups, and that of a group', async () => {
    checking.world.webhooks.set('acme/shop', [{ url: 'https://elsewhere.example.com/' }, { url, ...all }]);
    expect(await look()).toEqual({ result: 'ok', detail: 'a hook to /hooks/gitlab was found for 1 of 1 project', code: 0, rest: 2 });
    checking.world.addProject('acme/web/site');
    checking.world.webhooks.clear();
    checking.world.webhooks.set('acme', [{ url, ...all }]);
    expect(await look({ REPOS: 'acme' })).toMatchObject({ result: 'ok', detail: 'a hook to /hooks/gitlab was found for 2 of 2 projects' });
  });

  test('names the events that are off and that a stream wants, of all hooks together', async () => {
    checking.world.webhooks.set('acme/shop', [{ url, ...all, pipeline_events: false, deployment_events: false, push_events: false }]);
    expect(await look({ BRANCHES: '' })).toMatchObject({
      result: 'warning',
      detail: 'a hook to /hooks/gitlab was found for 1 of 1 project; without pipeline, deployment events for acme/shop',
    });
    expect((await look({ BRANCHES: 'main', STREAMS: 'commits' })).detail).toContain('without push events for acme/shop');
    checking.world.webhooks.set('acme', [{ url, pipeline_events: true }]);
    // What a GitLab does not say counts as on.
    expect(await look({ BRANCHES: '' })).toMatchObject({ result: 'ok' });
  });

  test('names projects without a hook, hooks that GitLab has turned off, and hooks that may be it', async () => {
    checking.world.webhooks.set('acme', []);
    checking.world.webhooks.set('acme/shop', [{ url: 'https://elsewhere.example.com/hooks/gitlab/other' }]);
    expect(await look()).toMatchObject({ result: 'warning', code: 0, detail: expect.stringContaining('none for acme/shop') as string });
    checking.world.webhooks.set('acme/shop', [{ url, ...all, alert_status: 'temporarily_disabled' }]);
    expect(await look()).toMatchObject({
      result: 'warning',
      detail: expect.stringContaining('turned off by GitLab for acme/shop') as string,
    });
    checking.world.webhooks.set('acme/shop', [{ url: 'https://poller.example.com/{path}', ...all }]);
    expect(await look()).toMatchObject({
      result: 'skipped',
      detail: 'a hook to /hooks/gitlab was found for 0 of 1 project; a hook with a masked URL may be it for acme/shop',
    });
  });

  test('has a bound, whatever the number of projects', async () => {
    for (let i = 0; i < 30; i++) checking.world.addProject(`acme/g${i}/p`);
    const { detail, rest } = await look({ REPOS: 'acme' });
    expect(detail).toContain('for 0 of the first 20 of 31 projects');
    expect(detail).toMatch(/and 15 more this token may not see/);
    expect(rest).toBeLessThanOrEqual(1 + 20 + 20);
  });
});
