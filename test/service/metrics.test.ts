import { expect, test } from 'vitest';
import type { GitlabAnswer } from '../../src/index.ts';
import { createGitlab } from '../../src/gitlab/client.ts';
import { memberProjects } from '../../src/gitlab/projects.ts';
import { createMetrics } from '../../src/service/metrics.ts';
import type { Gauges } from '../../src/service/metrics.ts';
import { operationLabel } from '../../src/service/operation-label.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';

const noGauges: Gauges = { connections: [], projects: [], outcomes: [], gaps: [], jobs: [], isReady: true, isDatabaseUp: true };

test('every request to GitLab is counted by its result, retries included', async () => {
  const fake = createFakeGitlab(new World());
  const answers: GitlabAnswer[] = [];
  let attempt = 0;
  fake.intercept = () => {
    attempt++;
    if (attempt === 1) return Response.error();
    if (attempt === 2) return new Response('', { status: 503, headers: { 'ratelimit-limit': '60', 'ratelimit-remaining': '7' } });
    return undefined;
  };
  const gitlab = createGitlab({
    url: fakeUrl,
    token: goodToken,
    userAgent: 'test',
    concurrency: 1,
    timeoutMs: 5_000,
    fetch: fetchFrom(fake),
    retry: { attempts: 3, baseDelayMs: 1 },
    onAnswer: (answer) => answers.push(answer),
  });
  await memberProjects(gitlab.graphql, 10);
  const asked = { host: 'gitlab.example.com', operation: 'MemberProjects', durationMs: expect.any(Number) as number };
  expect(answers).toEqual([
    { ...asked, status: null, isRetry: false, rateLimit: null },
    { ...asked, status: 503, isRetry: true, rateLimit: { limit: 60, remaining: 7 } },
    { ...asked, status: 200, isRetry: true, rateLimit: null },
  ]);
  // The next request is none of them again.
  await memberProjects(gitlab.graphql, 10);
  expect(answers.at(-1)).toMatchObject({ isRetry: false });
});

test('requests to GitLab are counted by endpoint, without project, commit or tag', () => {
  expect(operationLabel('ProjectChanges')).toBe('ProjectChanges');
  expect(operationLabel('GET projects/7/repository/commits')).toBe('GET projects/:id/repository/commits');
  expect(operationLabel('GET projects/7/repository/commits/ab12')).toBe('GET projects/:id/repository/commits/:name');
  expect(operationLabel('GET projects/acme%2Fshop/registry/repositories/12/tags/v1.0')).toBe(
    'GET projects/:name/registry/repositories/:id/tags/:name',
  );
  expect(operationLabel('GET version')).toBe('GET version');
});

test('/metrics is Prometheus text with every count', async () => {
  const metrics = createMetrics();
  const answer = { host: 'gitlab.example.com', operation: 'GET projects/7/repository/commits', durationMs: 30, isRetry: false };
  metrics.answered({ ...answer, status: 200, rateLimit: { limit: 600, remaining: 599 } });
  metrics.answered({ ...answer, status: null, isRetry: true, rateLimit: null });
  const none = { fetched: 0, inserted: 0, updated: 0 };
  metrics.read({
    fetched: 9,
    stored: 5,
    corrected: 2,
    projects: 1,
    streams: { 'merge-requests': { fetched: 9, inserted: 3, updated: 2 }, pipelines: none },
    problems: [],
    requests: { graphql: 1, rest: 0 },
    durationMs: 10,
  });
  metrics.passEnded(1, 'ok', 1_500);
  metrics.passEnded(2, 'gitlab', 10);
  metrics.partEnded(20);
  metrics.forget(2);
  const text = await metrics.text({
    ...noGauges,
    connections: [
      { id: 1, name: 'acme "one"\n', lagMs: 1_500, intervalMs: 300_000, result: 'ok' },
      { id: 3, name: 'x'.repeat(5_000), lagMs: 0, intervalMs: 300_000, result: 'configuration' },
    ],
    outcomes: [{ connectionId: 1, stream: 'commits', outcome: 'forbidden', walks: 3 }],
    jobs: [{ kind: 'part', state: 'dead', count: 4 }],
  });
  for (const line of [
    'gitlab_connector_requests_total{operation="GET projects/:id/repository/commits",status="200"} 1',
    'gitlab_connector_requests_total{operation="GET projects/:id/repository/commits",status="none"} 1',
    'gitlab_connector_request_retries_total{operation="GET projects/:id/repository/commits"} 1',
    'gitlab_connector_request_duration_seconds_bucket{le="0.05",operation="GET projects/:id/repository/commits"} 2',
    'gitlab_connector_rate_limit_remaining{host="gitlab.example.com"} 599',
    'gitlab_connector_events_total{type="mr",result="inserted"} 3',
    'gitlab_connector_events_total{type="mr",result="updated"} 2',
    'gitlab_connector_events_total{type="mr",result="unchanged"} 4',
    'gitlab_connector_corrected_events_total 2',
    'gitlab_connector_passes_total{connection="1",result="ok"} 1',
    'gitlab_connector_pass_duration_seconds_count{kind="part"} 1',
    'gitlab_connector_connection_info{connection="1",name="acme \\"one\\" "} 1',
    `gitlab_connector_connection_info{connection="3",name="${'x'.repeat(100)}"} 1`,
    'gitlab_connector_lag_seconds{connection="1"} 1.5',
    'gitlab_connector_poll_interval_seconds{connection="1"} 300',
    'gitlab_connector_last_pass_result{connection="1",result="gitlab"} 0',
    'gitlab_connector_stream_outcomes{connection="1",stream="commits",outcome="forbidden"} 3',
    'gitlab_connector_jobs{kind="part",state="dead"} 4',
    'gitlab_connector_ready 1',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
  expect(text).not.toContain('connection="2"');
  // What is no more has no value.
  const later = await metrics.text(noGauges);
  expect(later).not.toContain('connector_stream_outcomes{');
  expect(later).not.toContain('connector_connection_info{');
});
