import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, test } from 'vitest';
import { serve } from '../../fake-gitlab/serve.ts';
import { hours, minutes, moment, seconds } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;

beforeEach(() => {
  gitlab = createAsking();
});

describe('the Date header', () => {
  const date = async () => (await gitlab.rest('releases')).headers.get('date');

  test('is the time of rows at first, and goes with time', async () => {
    expect(await date()).toBe('Mon, 23 Nov 2026 08:00:00 GMT');
    gitlab.world.pass(minutes(1));
    expect(await date()).toBe('Mon, 23 Nov 2026 08:01:00 GMT');
  });

  test('comes from another clock than the times of rows: apart for good, for once, or not there', async () => {
    gitlab.world.dateAhead = minutes(5);
    expect(await date()).toBe('Mon, 23 Nov 2026 08:05:00 GMT');
    expect(gitlab.project.openMergeRequest({ title: 'a' }).updatedAt).toBe(moment('2026-11-23T08:00:00Z'));
    gitlab.world.dateAhead = hours(3);
    expect(await date()).toBe('Mon, 23 Nov 2026 11:00:00 GMT');
    gitlab.world.dateAhead = -seconds(30);
    expect(await date()).toBe('Mon, 23 Nov 2026 07:59:30 GMT');
    gitlab.world.sendsDate = false;
    expect(await date()).toBeNull();
  });

  test("is the fake GitLab's own on a real port, too", async () => {
    const dateOverHttp = async (url: string) => {
      const sent = request(`${url}/api/v4/version`).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      return answer.headers.date;
    };
    const served = await serve(gitlab.fake);
    try {
      expect(await dateOverHttp(served.url)).toBe('Mon, 23 Nov 2026 08:00:00 GMT');
      gitlab.world.sendsDate = false;
      expect(await dateOverHttp(served.url)).toBeUndefined();
    } finally {
      await served.close();
    }
  });
});

describe('the clocks that stamp rows', () => {
  test('the worker that runs pipelines has a clock of its own', () => {
    const { world, project } = gitlab;
    world.workerAhead = seconds(90);
    const pipeline = project.startPipeline({ ref: 'main' });
    expect(pipeline.updatedAt - world.now).toBe(seconds(90));
    expect(pipeline.jobs[0]?.startedAt).toBe(pipeline.updatedAt);
    world.pass(minutes(1));
    project.finishPipeline(pipeline, 'SUCCESS');
    expect(pipeline.updatedAt - world.now).toBe(seconds(90));
    expect(project.openMergeRequest({ title: 'a' }).updatedAt).toBe(world.now);
  });

  test('one change may come from a node that is fast, while the others are right', () => {
    const { world, project } = gitlab;
    const fast = world.stampAhead(seconds(40), () => project.openMergeRequest({ title: 'from a fast node' }));
    expect(fast.updatedAt - world.now).toBe(seconds(40));
    expect(project.openMergeRequest({ title: 'from another' }).updatedAt).toBe(world.now);
  });
});
