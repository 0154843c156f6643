import { readFileSync } from 'node:fs';
import { buildSchema, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditGitlab, createHostStates, syncGitlab } from '../../src/index.ts';
import type { AuditEntry, Json, Problem, SyncFailure } from '../../src/index.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { latest } from '../../fake-gitlab/graphql/variant.ts';
import type { SchemaVariant } from '../../fake-gitlab/graphql/variant.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { openTestDatabase } from '../support/databases.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { addConnection, eventRows, outcomes } from '../support/rows.ts';
import type { EventRow } from '../support/rows.ts';
import { notEmpty } from '../support/not-empty.ts';

/** A little of everything, in which nothing fits on its page and no value is one that a missing one would be taken for. */
function createWorld(): World {
  const world = new World();
  world.largestPage = 1;
  const many = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const shop = world.addProject('acme/shop');
  shop.git.commit('main', { title: 'Begin' });
  const [labels, approvedBy] = [many('label', 101), many('user', 101)];
  const merged = shop.openMergeRequest({ title: 'Checkout', draft: true, labels, approvedBy, notes: 3, upvotes: 2, downvotes: 1 });
  shop.mergeMergeRequest(merged);
  shop.openMergeRequest({ title: 'Cart' });
  const jobs = many('job', 21);
  const pipeline = shop.startPipeline({
    ref: 'main',
    failureReason: 'config_error',
    jobs: jobs.map((name) => ({ name, allowFailure: true })),
  });
  world.pass(minutes(1));
  shop.finishPipeline(pipeline, 'FAILED', jobs);
  shop.startPipeline({ ref: 'main' });
  const links = many('file', 101).map((name) => ({ name, url: `https://example.com/${name}` }));
  shop.createRelease({ tag: 'v1', name: 'First', links, releasedAt: world.now - minutes(60) });
  shop.createRelease({ tag: 'v2' });
  for (const name of ['server', 'client']) shop.pushTag(shop.addImageRepository(name), '1.0');
  const deployed = { pipeline, user: 'grace', ref: 'v1', isTag: true, job: { id: 9, name: 'deploy' } };
  for (const name of ['production', 'staging']) {
    const environment = shop.deployments.addEnvironment(name);
    for (let count = 0; count < 2; count++) shop.deployments.deploy(environment, deployed);
  }
  world.addProject('other/api').openMergeRequest({ title: 'Orders' });
  world.addProject('other/left').openMergeRequest({ title: 'Left' });
  return world;
}

interface Read {
  readonly rows: ReadonlyMap<string, EventRow>;
  readonly outcomes: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
  /** `until` depends on how long requests took. */
  readonly audit: ReadonlyArray<Omit<AuditEntry, 'until'>>;
  readonly warnings: readonly string[];
  readonly requests: number;
}

let database: Database;
let whole: Read;
beforeAll(async () => {
  database = await openTestDatabase('postgres');
  const read = await readFrom(latest);
  if ('error' in read) throw new Error(read.error);
  whole = read;
});
afterAll(() => database.close());

/** Two passes, by path and group and by memberships, and an audit: together they send every operation. */
async function readFrom(schema: SchemaVariant): Promise<Read | (SyncFailure & { readonly requests: number })> {
  const world = createWorld();
  world.schema = schema;
  const fake = createFakeGitlab(world);
  const connectionId = await addConnection(database.em, fakeUrl);
  const warnings = new Set<string>();
  const ignore = () => {};
  const logger = { debug: ignore, info: ignore, error: ignore, warn: (fields: object) => void warnings.add(JSON.stringify(fields)) };
  const options = { fetch: fetchFrom(fake), logger, hostStates: createHostStates() };
  const config = { token: goodToken, url: fakeUrl };
  const pass = (more: object) => syncGitlab(database.em, { ...config, ...more }, connectionId, options);
  const first = await pass({ repos: ['acme', 'other/api', 'other/left'] });
  if ('error' in first) return { ...first, requests: fake.seen.length };
  world.pass(minutes(5));
  const [shop, , left] = world.projects;
  if (left) left.isMember = false;
  const [, cart] = shop?.mergeRequests ?? [];
  if (shop && cart) shop.approve(cart, 'ada');
  const second = await pass({ reconcileInterval: 0, projectLimit: 0 });
  if ('error' in second) return { ...second, requests: fake.seen.length };
  const audit = await auditGitlab(database.em, config, connectionId, options);
  if ('error' in audit) return { ...audit, requests: fake.seen.length };
  const [rows, ends] = await Promise.all([eventRows(database.em, connectionId), outcomes(database.em, connectionId)]);
  const problems = [...first.problems, ...second.problems];
  return {
    rows,
    outcomes: ends,
    problems,
    audit: audit.entries.map(({ until: _until, ...entry }) => entry),
    warnings: [...warnings],
    requests: fake.seen.length,
  };
}

/** The parts of rows that are not as on a GitLab that has everything: `mr metadata.upvotes`, `pipeline description.failed_jobs[].url`. */
function differences(rows: ReadonlyMap<string, EventRow>): string[] {
  const found = [...new Set([...rows.keys(), ...whole.rows.keys()])].flatMap((id) => {
    const [is, was] = [partsOf(rows.get(id)), partsOf(whole.rows.get(id))];
    const paths = [...new Set([...is.keys(), ...was.keys()])].filter((path) => is.get(path) !== was.get(path));
    return paths.map((path) => `${id.slice(0, id.indexOf('-'))} ${path}`);
  });
  return [...new Set(found)].toSorted();
}

function partsOf(row: EventRow | undefined): Map<string, string> {
  const parts = new Map<string, string>();
  const add = (path: string, value: Json) => {
    if (Array.isArray(value) && value.length > 0) for (const item of value as readonly Json[]) add(`${path}[]`, item);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, below] of Object.entries(value)) add(`${path}.${key}`, below);
    } else parts.set(path, `${parts.get(path) ?? ''}\n${JSON.stringify(value)}`);
  };
  for (const [column, value] of Object.entries(row ?? {})) if (column !== 'xmin') add(column, value as Json);
  return parts;
}

const deploymentJob = [
  'deployment description.related_events',
  'deployment metadata.job',
  'deployment metadata.pipeline_id',
  'deployment url',
];
const links = [
  'deployment description.related_events',
  'mr description.related_events',
  'pipeline description.related_events',
  'release description.related_events',
];
const job = (key: string) => [`pipeline description.failed_jobs[].${key}`];
const jobs = ['pipeline description.failed_jobs', 'pipeline metadata.failed_jobs_count', 'pipeline metadata.warnings'];
const labels = ['mr description.labels'];
const approvals = ['mr metadata.approved_by', 'mr metadata.approved_count'];
const files = ['mr description.files_changed', 'mr metadata.files_changed_total', 'mr metadata.additions'];
const assets = ['release description.assets', 'release metadata.asset_links'];

/** What a GitLab may lack, and what of the rows is then empty. */
const optional: Readonly<Record<string, readonly string[]>> = {
  'CiJob.allowFailure': [...job('allow_failure'), 'pipeline metadata.warnings'],
  'CiJob.failureMessage': job('failure_reason'),
  'CiJob.finishedAt': job('finished_at'),
  'CiJob.name': [...job('name'), 'pipeline metadata.warnings', 'deployment metadata.job'],
  'CiJob.pipeline': deploymentJob,
  'CiJob.stage': job('stage'),
  'CiJob.startedAt': job('started_at'),
  'CiJob.status': jobs,
  'CiJob.webPath': [...job('url'), 'deployment url'],
  'CiJobConnection.nodes': jobs,
  'CiJobConnection.pageInfo': jobs,
  'CiStage.name': job('stage'),
  'Commit.sha': ['release metadata.commit_sha', ...links],
  'ContainerRepositoryDetails.tags': [],
  'ContainerRepositoryDetails.tags(after:)': [],
  'ContainerRepositoryTagConnection.nodes': [],
  'Deployment.job': deploymentJob,
  'Deployment.sha': ['deployment metadata.sha', 'deployment title', 'deployment metadata.previous_sha', ...links],
  'Deployment.tag': ['deployment metadata.tag'],
  'Deployment.triggerer': ['deployment author'],
  'DiffStats.additions': files,
  'DiffStats.deletions': files,
  'DiffStats.path': files,
  'Label.title': labels,
  'LabelConnection.nodes': labels,
  'LabelConnection.pageInfo': labels,
  'MergeRequest.approvedBy': approvals,
  'MergeRequest.author': ['mr author'],
  'MergeRequest.description': ['mr description.text'],
  'MergeRequest.diffHeadSha': ['mr metadata.head_sha'],
  'MergeRequest.diffStats': files,
  'MergeRequest.downvotes': ['mr metadata.downvotes'],
  'MergeRequest.draft': ['mr metadata.draft'],
  'MergeRequest.labels': labels,
  'MergeRequest.mergeCommitSha': ['mr metadata.merge_commit_sha', ...links],
  'MergeRequest.mergeStatusEnum': ['mr metadata.mergeable'],
  'MergeRequest.mergeUser': ['mr metadata.merged_by'],
  'MergeRequest.mergedAt': ['mr metadata.merged_at'],
  'MergeRequest.sourceBranch': ['mr metadata.source_branch'],
  'MergeRequest.upvotes': ['mr metadata.upvotes'],
  'MergeRequest.userNotesCount': ['mr metadata.user_notes_count'],
  'MergeRequestAuthor.username': ['mr author'],
  'Pipeline.downstream': [],
  'Pipeline.duration': ['pipeline metadata.duration_seconds'],
  'Pipeline.failureReason': ['pipeline metadata.failure_reason'],
  'Pipeline.finishedAt': ['pipeline metadata.finished_at'],
  'Pipeline.jobs': jobs,
  'Pipeline.refPath': [],
  'Pipeline.sha': ['pipeline metadata.sha', 'pipeline metadata.commit_sha', ...links],
  'Pipeline.source': ['pipeline metadata.source'],
  'Pipeline.startedAt': ['pipeline metadata.started_at'],
  'Pipeline.user': ['pipeline author'],
  'Project.containerRegistryEnabled': [],
  'Project.jobsEnabled': [],
  'Project.mergeRequestsEnabled': [],
  'Project.webUrl': [],
  'Query.queryComplexity': [],
  'QueryComplexity.limit': [],
  'QueryComplexity.score': [],
  'Release.assets': assets,
  'Release.author': ['release author'],
  'Release.commit': ['release metadata.commit_sha', ...links],
  'Release.description': ['release description.text'],
  'Release.name': ['release title'],
  'Release.releasedAt': ['release timestamp'],
  'ReleaseAssetLink.name': ['release description.assets', 'release metadata.asset_links[].name'],
  'ReleaseAssetLink.url': ['release metadata.asset_links[].url'],
  'ReleaseAssetLinkConnection.nodes': assets,
  'ReleaseAssetLinkConnection.pageInfo': assets,
  'ReleaseAssets.links': assets,
  'UserCore.username': [...approvals, 'mr metadata.merged_by', 'pipeline author', 'release author', 'deployment author'],
  'UserCoreConnection.nodes': approvals,
  'UserCoreConnection.pageInfo': approvals,
  // Without a value in these passes.
  'Environment.tier': ['deployment metadata.tier'],
  'Group.projects(after:)': [],
  'Project.mergeRequests(createdAfter:)': [],
  'Project.mergeRequests(targetBranches:)': [],
  'Project.pipelines(ref:)': [],
  'Project.pipelines(updatedBefore:)': [],
  'PipelineInterface.id': deploymentJob,
  'Project.environments(name:)': [],
  'Query.projects(after:)': [],
};

/** Where there is another way, the other way where it is not needed, and what a first reading does not ask for. */
const replaceable = [
  'Query.projects(fullPaths:)',
  'Query.project',
  'Query.project(fullPath:)',
  'MergeRequest.closedAt',
  'Repository.tree',
  'Repository.tree(ref:)',
  'Tree.lastCommit',
  // REST has tags as well.
  'ContainerRepositoryDetails.tags(first:)',
  'ContainerRepositoryDetails.tags(sort:)',
  'ContainerRepositoryTag.createdAt',
  'ContainerRepositoryTag.digest',
  'ContainerRepositoryTag.name',
  'ContainerRepositoryTag.publishedAt',
  'ContainerRepositoryTag.revision',
  'ContainerRepositoryTag.totalSize',
  'ContainerRepositoryTagConnection.pageInfo',
  'Query.containerRepository',
  'Query.containerRepository(id:)',
  'Project.deployment',
  'Project.deployment(iid:)',
];

/** What only `check` and `plan` ask for. */
const unasked = new Set([
  'CurrentUser.username',
  'Metadata.enterprise',
  'Metadata.version',
  'Project.containerRepositoriesCount',
  'Project.repository',
  'Query.currentUser',
  'Query.metadata',
  'Repository.empty',
  'Repository.exists',
]);

/** What only a pass asks for in which GitLab fails on a row, a row has left, or a pipeline has children. */
const ofSpecialRows = /^\w+Edge\.|\.edges$|^ContainerRepositoryDetails\.(id|location|name|path)$|\((iids|source):\)$|^Pipeline\.upstream$/;

/** Every field and argument that a pass and an audit use. */
const everything = Object.values(buildSchema(readFileSync('schema/gitlab.graphql', 'utf8')).getTypeMap())
  .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
  .flatMap((type) => Object.values(isObjectType(type) ? type.getFields() : {}).map((field) => ({ type, field })))
  .flatMap(({ type, field }) => [`${type.name}.${field.name}`, ...field.args.map(({ name }) => `${type.name}.${field.name}(${name}:)`)])
  .filter((item) => !unasked.has(item) && !ofSpecialRows.test(item));

/** What deployments are read with. Without it they are not offered, and everything else is read. */
const ofDeployments = /^(Deployment|Environment)(Connection)?\.|^Project\.environments?\b/;

/** As messages name it: an argument without its type. */
const nameOf = (item: string) => (item.endsWith(')') ? item.slice(item.indexOf('.') + 1) : item);
const covers = (part: string, difference: string) =>
  difference === part || difference.startsWith(`${part}[`) || difference.startsWith(`${part}.`);

describe('every version and edition that is read', () => {
  const versions = (['16.2', '17.5', '18.4', '18.8'] as const).flatMap((version) => [
    { version, edition: 'CE' as const },
    { version, edition: 'EE' as const },
  ]);

  test.concurrent.each(notEmpty(versions))('stores the same: GitLab $version $edition', async (variant) => {
    const read = await readFrom(variant);
    if ('error' in read) throw new Error(read.error);
    const lacks = variant.version === '16.2' ? ['Pipeline.failureReason', 'Pipeline.source'] : [];
    expect(differences(read.rows)).toEqual(lacks.flatMap((field) => optional[field] ?? []));
    expect(read.rows.size).toBe(whole.rows.size);
    expect(read).toMatchObject({ outcomes: whole.outcomes, problems: [], audit: whole.audit });
    expect(read.warnings).toEqual(lacks.map((missing) => JSON.stringify({ missing })).toReversed());
  });

  test('an older one is one clear sentence, after a few requests', async () => {
    const read = await readFrom({ version: '13.12', edition: 'EE' });
    expect(read).toMatchObject({
      code: 'gitlab',
      error: `Failed to connect to GitLab: this GitLab is too old: it has no jobs(retried:) (the connector needs 16.2 or later; if this GitLab is newer, update the connector)`,
    });
    expect(read.requests).toBeLessThan(10);
  });
});

describe('a GitLab without one thing', () => {
  test('the tables here name nothing that no query asks for', () => {
    expect([...Object.keys(optional), ...replaceable].filter((item) => !everything.includes(item))).toEqual([]);
  });

  test.concurrent.each(Object.entries(optional))('without %s all else is stored, and one warning says so', async (item, parts) => {
    const read = await readFrom({ ...latest, lacks: [item] });
    if ('error' in read) throw new Error(read.error);
    const found = differences(read.rows);
    expect(found.filter((difference) => !parts.some((part) => covers(part, difference)))).toEqual([]);
    expect(parts.filter((part) => !found.some((difference) => covers(part, difference)))).toEqual([]);
    expect(read.rows.size).toBe(whole.rows.size);
    expect(read).toMatchObject({ outcomes: whole.outcomes, problems: [], audit: whole.audit });
    expect(read.warnings).toEqual([JSON.stringify({ missing: nameOf(item) })]);
  });

  test.concurrent.each(replaceable)('without %s everything is stored', async (item) => {
    const read = await readFrom({ ...latest, lacks: [item] });
    if ('error' in read) throw new Error(read.error);
    expect(differences(read.rows)).toEqual([]);
    expect(read).toMatchObject({ outcomes: whole.outcomes, problems: [], audit: whole.audit, warnings: [] });
  });

  const necessary = everything.filter((item) => !(item in optional) && !replaceable.includes(item));
  const offered = necessary.filter((item) => ofDeployments.test(item));
  test.concurrent.each(notEmpty(offered))('without %s there are no deployments, in one outcome, and all else is stored', async (item) => {
    const read = await readFrom({ ...latest, lacks: [item] });
    if ('error' in read) throw new Error(read.error);
    const reason = `this GitLab does not offer deployments: it has no ${nameOf(item)}`;
    expect(read.problems).not.toEqual([]);
    for (const problem of read.problems)
      expect(problem).toMatchObject({ stream: 'deployments', outcome: 'disabled', reason, expected: true });
    const others = (rows: ReadonlyMap<string, EventRow>) => [...rows.keys()].filter((id) => !id.startsWith('deployment-'));
    expect(others(read.rows)).toEqual(others(whole.rows));
    expect(read).toMatchObject({ outcomes: { ...whole.outcomes, deployments: read.outcomes.deployments } });
  });

  const required = necessary.filter((item) => !offered.includes(item));
  test.concurrent.each(notEmpty(required))('without %s nothing is stored wrongly: one sentence names it', async (item) => {
    const read = await readFrom({ ...latest, lacks: [item] });
    expect(read).toMatchObject({
      code: 'gitlab',
      error: `Failed to connect to GitLab: this GitLab is too old: it has no ${nameOf(item)} (the connector needs 16.2 or later; if this GitLab is newer, update the connector)`,
    });
    // Those that were refused come on top.
    expect(read.requests).toBeLessThan(whole.requests + 10);
  });
});
