import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type { FakePipeline } from '../../fake-gitlab/world/records.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

/** Questions that only the record of changes asks: what was closed, what left, the children of pipelines. */
const ofTheRecord = ['ChildPipelinePage', 'MergeRequestClosings', 'MergeRequestsByIid'];

describePasses('the record of changes', (kind) => {
  const given = useSync(kind);

  test('costs less than one more GraphQL request for 50 projects and pass', async () => {
    const projects = Array.from({ length: 100 }, (_, index) => given.world.addProject(`acme/p${index}`));
    for (const project of projects) project.git.commit('main', { title: 'first' });
    const images = projects.slice(0, 8).map((project) => ({ project, repository: project.addImageRepository('web') }));
    for (const { project, repository } of images) project.pushTag(repository, 'latest');
    const config = { projectLimit: 100, branches: 'main', reconcileInterval: 21_600, tagChecks: 5, maxRequestsPerMinute: 0 };
    expect(await given.sync(config)).toMatchObject({ projects: 100 });
    given.fake.seen.length = 0;
    const later: Array<() => void> = [];
    // Twelve hours of a team: 60 pipelines, a third of them with a child, 30 merge requests, and 9 pushes of images.
    const passes = 60;
    for (let pass = 0; pass < passes; pass++) {
      given.world.pass(minutes(12));
      for (const change of later.splice(0)) change();
      act(projects, pass, later);
      const image = images[pass % 8];
      if (image && pass % 7 === 0) image.project.pushTag(image.repository, 'latest');
      expect(await given.sync(config)).toMatchObject({ problems: [] });
    }
    const graphql = given.fake.seen.flatMap(({ operation }) => operation ?? []);
    const asked = graphql.filter((operation) => ofTheRecord.includes(operation));
    expect([...new Set(asked)].toSorted((a, b) => a.localeCompare(b))).toEqual(ofTheRecord);
    expect(asked.length).toBeLessThan((passes * projects.length) / 50);
  });
});

/** What happens in the minutes before a pass, and what is to happen before the next one. */
function act(projects: readonly FakeProject[], pass: number, later: Array<() => void>) {
  const project = projects[(pass * 37) % projects.length];
  if (!project) throw new Error('no project');
  const finish = (pipeline: FakePipeline) => later.push(() => project.finishPipeline(pipeline, pass % 5 === 0 ? 'FAILED' : 'SUCCESS'));
  const pipeline = project.startPipeline({ ref: 'main' });
  finish(pipeline);
  if (pass % 3 === 0) finish(project.startChildPipeline(pipeline));
  if (pass % 2 === 1) return;
  const mergeRequest = project.openMergeRequest({ title: `Change ${pass}` });
  if (pass % 4 === 0) project.mergeMergeRequest(mergeRequest);
  else if (pass % 6 === 0) later.push(() => project.closeMergeRequest(mergeRequest));
  else if (pass % 10 === 0) later.push(() => project.editMergeRequest(mergeRequest, { targetBranch: 'develop' }));
}
