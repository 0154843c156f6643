import { parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import { GraphqlError, UnsupportedGitlabError } from '../../../src/errors.ts';
import { readBatch } from '../../../src/gitlab/batch.ts';
import { createGitlab } from '../../../src/gitlab/client.ts';
import { projectsOf } from '../../../src/gitlab/projects.ts';
import { createHostStates } from '../../../src/gitlab/limits/host-state.ts';
import { createMissingFields, memoryMs } from '../../../src/gitlab/compat/missing-fields.ts';
import type { MissingFields } from '../../../src/gitlab/compat/missing-fields.ts';
import { missingIn } from '../../../src/gitlab/compat/validation-errors.ts';
import { fillNulls } from '../../../src/gitlab/compat/fill-nulls.ts';
import { pruneDocument } from '../../../src/gitlab/compat/prune-document.ts';
import { latest } from '../../../fake-gitlab/graphql/variant.ts';
import { goodToken } from '../../../fake-gitlab/world/world.ts';
import { fakeUrl, useFakeGitlab } from '../../support/fake.ts';

const createFake = useFakeGitlab();
const ignore = () => {};

function gitlabWith(learned?: MissingFields, warnings: unknown[] = []) {
  const log = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (fields: object, message: string) => void warnings.push([fields, message]),
  };
  return createGitlab({
    url: fakeUrl,
    token: goodToken,
    userAgent: 'test',
    concurrency: 4,
    timeoutMs: 5_000,
    retry: { attempts: 1 },
    log,
    ...(learned ? { host: { ...createHostStates().at(fakeUrl), learned } } : {}),
  });
}

const newest = (id: number) => ({ source: { kind: 'ids' as const, ids: [id] }, ask: { kind: 'newest' as const, rows: 5 }, branches: [] });

describe('a field that a GitLab lacks', () => {
  test('is left out after GitLab has refused it, is null in answers, and is logged once', async () => {
    const { world, fake } = createFake();
    world.schema = { version: '16.2', edition: 'CE', lacks: ['MergeRequest.upvotes', 'Project.webUrl', 'CiStage.name'] };
    const project = world.addProject('acme/shop');
    project.openMergeRequest({ title: 'Cart', upvotes: 3 });
    project.finishPipeline(project.startPipeline({ ref: 'main' }), 'FAILED');
    const warnings: unknown[] = [];
    const gitlab = gitlabWith(createMissingFields(), warnings);
    const read = async () => (await readBatch(gitlab, newest(project.id)))?.projects[0]?.node;
    const node = await read();
    expect(node).toMatchObject({
      webUrl: null,
      mergeRequests: { nodes: [{ title: 'Cart', upvotes: null, downvotes: 0 }] },
      pipelines: { nodes: [{ source: null, failureReason: null, ref: 'main', jobs: { nodes: [{ stage: null, name: 'test' }] } }] },
    });
    // Refused once, with five names at the most.
    expect(fake.seen).toHaveLength(2);
    expect(await read()).toEqual(node);
    expect(fake.seen).toHaveLength(3);
    const names = ['CiStage.name', 'MergeRequest.upvotes', 'Pipeline.failureReason', 'Pipeline.source', 'Project.webUrl'];
    expect(gitlab.missingFields()).toEqual(names);
    expect(warnings).toHaveLength(names.length);
    expect(warnings).toContainEqual([{ missing: 'MergeRequest.upvotes' }, 'this GitLab lacks a field: requests leave it out']);
  });

  test('is known to all clients of this GitLab, also in other operations, and is requested again after an hour', async () => {
    const { world, fake } = createFake();
    world.schema = { version: '16.2', edition: 'EE' };
    const project = world.addProject('acme/shop');
    project.startPipeline({ ref: 'main' });
    let now = 0;
    const learned = createMissingFields(() => now);
    const warnings: unknown[] = [];
    await readBatch(gitlabWith(learned, warnings), newest(project.id));
    fake.seen.length = 0;
    const page = async () => {
      const answer = await gitlabWith(learned, warnings).graphql.PipelinePage({ project: `gid://gitlab/Project/${project.id}`, first: 1 });
      return answer.data.projects?.nodes?.[0]?.pipelines?.nodes?.[0]?.source;
    };
    expect(await page()).toBeNull();
    expect(fake.seen).toHaveLength(1);
    world.schema = latest;
    now = memoryMs;
    expect(await page()).toBeNull();
    now += 1;
    expect(await page()).toBe('push');
    expect(gitlabWith(learned).missingFields()).toEqual([]);
    expect(warnings).toHaveLength(2);
  });

  test('may be one of many, which are learnt five at a time in few rounds', async () => {
    const { world, fake } = createFake();
    const fields = [
      'description',
      'draft',
      'mergedAt',
      'sourceBranch',
      'mergeCommitSha',
      'diffHeadSha',
      'mergeStatusEnum',
      'author',
      'labels',
    ];
    world.schema = { ...latest, lacks: [...fields.map((field) => `MergeRequest.${field}`), 'Label', 'LabelConnection', 'MergeStatus'] };
    const project = world.addProject('acme/shop');
    project.openMergeRequest({ title: 'Cart' });
    const gitlab = gitlabWith();
    const batch = await readBatch(gitlab, newest(project.id));
    expect(batch?.projects[0]?.node.mergeRequests?.nodes).toMatchObject([{ title: 'Cart', draft: null, labels: null, upvotes: 0 }]);
    expect(gitlab.missingFields()).toHaveLength(fields.length);
    expect(fake.seen).toHaveLength(3);
  });

  test('is an error that names the field when it is required', async () => {
    const { world } = createFake();
    world.schema = { ...latest, lacks: ['Pipeline.ref', 'Project.releases(sort:)', 'MergeRequest.upvotes'] };
    const project = world.addProject('acme/shop');
    const error = await readBatch(gitlabWith(), newest(project.id)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnsupportedGitlabError);
    expect(error).toMatchObject({ operation: 'ProjectChanges', missing: ['Pipeline.ref', 'releases(sort:)'] });
  });

  test('is left out as an argument only when it has no value', async () => {
    const { world, fake } = createFake();
    world.schema = { ...latest, lacks: ['Project.pipelines(ref:)'] };
    const project = world.addProject('acme/shop');
    const gitlab = gitlabWith();
    expect((await readBatch(gitlab, newest(project.id)))?.projects).toHaveLength(1);
    expect(gitlab.missingFields()).toEqual(['pipelines(ref:)']);
    fake.seen.length = 0;
    await expect(readBatch(gitlab, { ...newest(project.id), branches: ['main'] })).rejects.toThrow(/it has no pipelines\(ref:\)/);
    expect(fake.seen).toEqual([]);
  });
});

describe('the lookup of projects by path', () => {
  test('requests projects one by one when GitLab accepts no list of paths, and tries the list only once', async () => {
    const { world, fake } = createFake();
    world.schema = { version: '16.2', edition: 'CE' };
    for (const path of ['acme/shop', 'acme/api', 'other/one']) world.addProject(path);
    const gitlab = gitlabWith();
    const look = async (repos: readonly string[]) => {
      fake.seen.length = 0;
      const found = await projectsOf(gitlab.graphql, repos);
      return { ...found, asked: fake.seen.map(({ operation }) => operation) };
    };
    expect(await look(['ACME/shop', 'other', 'none/there'])).toMatchObject({
      projects: [{ fullPath: 'acme/shop' }, { fullPath: 'other/one' }],
      missing: ['none/there'],
      asked: ['ProjectsByPath', 'ProjectByPath', 'ProjectByPath', 'ProjectByPath', 'GroupProjects', 'GroupProjects'],
    });
    expect(await look(['acme/api'])).toMatchObject({ projects: [{ fullPath: 'acme/api' }], asked: ['ProjectByPath'] });
    expect(gitlab.missingFields()).toEqual(['projects(fullPaths:)']);
  });

  test('requests all paths together in every other GitLab', async () => {
    const { world, fake } = createFake();
    world.addProject('acme/shop');
    await projectsOf(gitlabWith().graphql, ['acme/shop']);
    expect(fake.seen.map(({ operation }) => operation)).toEqual(['ProjectsByPath']);
  });

  test('fails when another field is missing', async () => {
    const { world } = createFake();
    world.schema = { ...latest, lacks: ['Project.fullPath'] };
    await expect(projectsOf(gitlabWith().graphql, ['acme/shop'])).rejects.toThrow(UnsupportedGitlabError);
  });
});

describe('a refused query that cannot be pruned', () => {
  const refuse = (errors: unknown) => new Response(JSON.stringify({ errors }), { headers: { 'content-type': 'application/json' } });
  const source = { message: "Field 'source' doesn't exist on type 'Pipeline'", path: ['fragment Pipeline', 'source'] };

  test('is an error when the same query is refused twice', async () => {
    const { world, fake } = createFake();
    const project = world.addProject('acme/shop');
    fake.intercept = () => refuse([source]);
    await expect(readBatch(gitlabWith(), newest(project.id))).rejects.toThrow(GraphqlError);
    expect(fake.seen).toHaveLength(2);
  });

  test.each([
    ['names nothing in the document', [{ ...source, message: "Field 'nope' doesn't exist on type 'Pipeline'" }]],
    ['is about something else', [{ message: 'An operation name is required' }]],
    ['is no error at all', [null, 7, 'x', {}]],
  ])('is an error at once: %s', async (_, errors) => {
    const { world, fake } = createFake();
    const project = world.addProject('acme/shop');
    fake.intercept = () => refuse(errors);
    await expect(readBatch(gitlabWith(), newest(project.id))).rejects.toThrow(GraphqlError);
    expect(fake.seen).toHaveLength(1);
  });
});

describe('missing fields in GitLab’s errors', () => {
  const text = `query Q($a: Int) {
  pipeline {
    ...P
  }
}

fragment P on Pipeline {
  user {
    username
  }
  jobs(first: $a) {
    nodes {
      username
    }
  }
}`;
  const document = parse(text);
  const undefinedUser = { code: 'undefinedField', typeName: 'UserCore', fieldName: 'username' };
  const found = (error: object) => missingIn([{ message: '?', ...error }], document);
  const user = { key: 'fragment P/user/username', name: 'UserCore.username' };

  test.each([
    ['by their path', { extensions: undefinedUser, path: ['fragment P', 'user', 'username'] }, [user]],
    ['by their position', { extensions: undefinedUser, locations: [{ line: 9, column: 5 }] }, [user]],
    [
      'by their path rather than their position',
      { extensions: undefinedUser, path: ['fragment P', 'user', 'username'], locations: [{ line: 13, column: 7 }] },
      [user],
    ],
    ['not by a name that occurs elsewhere', { extensions: undefinedUser }, []],
    [
      'by the type of their fragment',
      { extensions: { code: 'undefinedField', typeName: 'Pipeline', fieldName: 'user' } },
      [{ key: 'fragment P/user', name: 'Pipeline.user' }],
    ],
    [
      'by their words alone, with what may be meant',
      { message: "Field 'username' doesn't exist on type 'UserCore' (Did you mean `name`?)", path: ['fragment P', 'user', 'username'] },
      [user],
    ],
    [
      'of arguments',
      {
        extensions: { code: 'argumentNotAccepted', name: 'jobs', typeName: 'Field', argumentName: 'first' },
        path: ['fragment P', 'jobs', 'first'],
      },
      [{ key: 'fragment P/jobs(first:)', name: 'jobs(first:)' }],
    ],
    [
      'of arguments by their words',
      { message: "Field 'jobs' doesn't accept argument 'first'", locations: [{ line: 11, column: 8 }] },
      [{ key: 'fragment P/jobs(first:)', name: 'jobs(first:)' }],
    ],
    ['of types', { extensions: { code: 'undefinedType', typeName: 'Pipeline' } }, [{ key: 'type Pipeline', name: 'Pipeline' }]],
    [
      'of types by their words',
      { message: "No such type Pipeline, so it can't be a fragment condition" },
      [{ key: 'type Pipeline', name: 'Pipeline' }],
    ],
    [
      'of types of variables by their words',
      { message: "MergeStatus isn't a defined input type (on $x)" },
      [{ key: 'type MergeStatus', name: 'MergeStatus' }],
    ],
    ['not of what is only unused', { message: 'Variable $a is declared by Q but not used', extensions: { code: 'variableNotUsed' } }, []],
  ])('are found %s', (_, error, expected) => {
    expect(found(error)).toEqual(expected);
  });
});

describe('a pruned document', () => {
  const document = parse(`query Q($first: Int, $after: String, $sort: Sort, $name: String) {
    projects(first: $first, after: $after, sort: $sort) {
      nodes {
        id
        ...P
      }
    }
  }
  fragment P on Project { webUrl labels(after: $name) { ...L } commit { sha } ... on Project { description } }
  fragment L on LabelConnection { nodes { title } pageInfo { hasNextPage } }`);
  const without = (keys: readonly string[], variables: Readonly<Record<string, unknown>> = {}) => {
    const text = print(pruneDocument(document, { learned: { nameOf: (key) => (keys.includes(key) ? `<${key}>` : undefined) }, variables }));
    return text.replaceAll(/\s+/g, ' ');
  };

  test('has no empty selection, no unused fragment and no unused variable', () => {
    const rest = without(['fragment P/commit/sha', 'fragment L/nodes/title', 'fragment P/... on Project/description']);
    expect(rest).toBe(
      'query Q($first: Int, $after: String, $sort: Sort) { projects(first: $first, after: $after, sort: $sort) { nodes { id ...P } } } ' +
        'fragment P on Project { webUrl }',
    );
  });

  test('has no fragment on a type that is missing', () => {
    expect(without(['type LabelConnection'])).not.toContain('abel');
  });

  test('has no argument without a value that GitLab lacks by its name or by its type', () => {
    expect(without(['query Q/projects(after:)', 'type Sort'], { first: 1, after: null })).toContain(
      'query Q($first: Int, $name: String) { projects(first: $first) {',
    );
    expect(() => without(['query Q/projects(after:)'], { after: 'x' })).toThrow('it has no <query Q/projects(after:)> (');
    expect(() => without(['type Sort'], { sort: 'x' })).toThrow('it has no <type Sort> (');
  });

  test('does not exist without a required field', () => {
    expect(() => without(['query Q/projects/nodes/id'])).toThrow(UnsupportedGitlabError);
    expect(() => without(['type Project'])).toThrow('it has no <type Project> (');
  });

  test('has an answer with null for each missing field, at every depth and in every row', () => {
    expect(fillNulls({ projects: { nodes: [{ id: 1, labels: { nodes: [{}, null] } }, null] } }, document)).toEqual({
      projects: {
        nodes: [{ id: 1, webUrl: null, labels: { nodes: [{ title: null }, null], pageInfo: null }, commit: null, description: null }, null],
      },
    });
    expect(fillNulls(undefined, document)).toBeUndefined();
  });
});
