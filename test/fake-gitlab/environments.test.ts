import { beforeEach, expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';

let { world, project, ask, fields, queryOf } = createAsking();

beforeEach(() => {
  ({ world, project, ask, fields, queryOf } = createAsking());
});

const lists = (args: string) => `environment(name: "production") { deployments(first: 9, ${args}) { nodes { iid status } } }`;
const iidsOf = async (args: string) => {
  const { body } = await fields(lists(args));
  return body.errors
    ? body.errors[0].message
    : body.data.projects.nodes[0].environment.deployments.nodes.map((row: { iid: string }) => row.iid);
};

test('deployments come by their creation or by their end, and what has ended is not listed with what waits', async () => {
  const { deployments } = project;
  const production = deployments.addEnvironment('production');
  const waiting = deployments.create(production);
  world.pass(minutes(1));
  deployments.deploy(production);
  deployments.move(deployments.create(production), 'BLOCKED');
  world.pass(minutes(1));
  deployments.move(waiting, 'SUCCESS');
  expect(await iidsOf('orderBy: { createdAt: DESC }')).toEqual(['3', '2', '1']);
  expect(await iidsOf('statuses: [SUCCESS, FAILED, CANCELED], orderBy: { finishedAt: DESC }')).toEqual(['1', '2']);
  expect(await iidsOf('statuses: [CREATED, RUNNING, BLOCKED], orderBy: { createdAt: DESC }')).toEqual(['3']);
  expect(await iidsOf('statuses: [SUCCESS, BLOCKED]')).toContain('must be separately queried');
  expect(await iidsOf('orderBy: { finishedAt: DESC }')).toContain('`finished_at` sort requires');
});

test('the last deployment of a status is the last that ended, and of others the last that was created', async () => {
  const { deployments } = project;
  const production = deployments.addEnvironment('production');
  const first = deployments.create(production);
  const second = deployments.create(production);
  deployments.move(second, 'RUNNING');
  world.pass(minutes(1));
  deployments.deploy(production);
  world.pass(minutes(1));
  deployments.move(first, 'SUCCESS');
  const { body } = await fields(
    'environments(first: 9) { nodes { success: lastDeployment(status: SUCCESS) { iid } running: lastDeployment(status: RUNNING) { iid } failed: lastDeployment(status: FAILED) { iid } } }',
  );
  expect(body.data.projects.nodes[0].environments.nodes).toEqual([{ success: { iid: '1' }, running: { iid: '2' }, failed: null }]);
  expect((await fields('environments(first: 9) { nodes { lastDeployment(status: SKIPPED) { iid } } }')).body.errors[0].message).toBe(
    '"skipped" status is not supported.',
  );
});

test('environments are resolved for one project in a request, deployments for one environment', async () => {
  world.addProject('acme/api').deployments.addEnvironment('production');
  const { body } = await ask('{ projects(first: 2) { nodes { environments(first: 1) { nodes { name } } } } }');
  expect(body.errors[0].message).toBe('"environments" field can be requested only for 1 Project(s) at a time.');
  for (const name of ['staging', 'production']) project.deployments.addEnvironment(name);
  const both = await ask(queryOf('environments(first: 2) { nodes { deployments(first: 1) { nodes { iid } } } }'));
  expect(both.body.errors[0].message).toBe('"deployments" field can be requested only for 1 Environment(s) at a time.');
});

test('they are priced as lists: one point more than their children, and a percent for each row of the page', async () => {
  const score = async (wanted: string) => {
    world.complexityLimit = 1;
    const { body } = await fields(wanted);
    return Number(/complexity of (\d+)/.exec(body.errors[0].message)?.[1]);
  };
  const [one, page] = [await score('environments(first: 100) { nodes { id } }'), await score('id')];
  // (nodes and id, and the resolver) twice, in place of an id; the list of projects has one percent.
  expect(one - page).toBe(6 - 1);
  const deployments = await score('environment(name: "x") { deployments(first: 50) { nodes { iid } } }');
  expect(deployments - page).toBe(1 + Math.trunc(3 * 1.5) - 1);
});

test('a guest sees neither environments nor deployments, and no error', async () => {
  project.deployments.deploy(project.deployments.addEnvironment('production'));
  project.role = 'guest';
  const { body } = await fields(
    'environments(first: 9) { nodes { name } } environment(name: "production") { id } deployment(iid: 1) { iid }',
  );
  expect(body).toEqual({ data: { projects: { nodes: [{ environments: { nodes: [] }, environment: null, deployment: null }] } } });
});
