import { isListType, isNonNullType, isObjectType } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import { schemaOf, latest } from '../../fake-gitlab/graphql/variant.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';
import { notEmpty } from '../support/not-empty.ts';

let gitlab: Asking;

beforeEach(() => {
  gitlab = createAsking();
  const { project } = gitlab;
  project.git.commit('main', { title: 'a' });
  project.openMergeRequest({ title: 'a', mergeCommitSha: 'f00d' });
  project.startPipeline({ ref: 'main' });
  project.createRelease({ tag: 'v1' });
  project.addImageRepository('web');
});

const lists = {
  Project: ['project', (field: string) => field],
  MergeRequest: ['mergeRequest', (field: string) => `mergeRequests { nodes { ${field} } }`],
  Pipeline: ['pipeline', (field: string) => `pipelines { nodes { ${field} } }`],
  CiJob: ['job', (field: string) => `pipelines { nodes { jobs { nodes { ${field} } } } }`],
  Release: ['release', (field: string) => `releases { nodes { ${field} } }`],
} as const;

/** Every field of a type that may be null, with what must be selected below it. */
function nullableFields(name: string): string[] {
  const type = schemaOf(latest).getType(name);
  if (!isObjectType(type)) return [];
  return Object.values(type.getFields()).flatMap(({ name: field, type: of, args }) => {
    if (isNonNullType(of) || args.some(({ type: argument }) => isNonNullType(argument))) return [];
    const below = isListType(of) || isObjectType(of) ? ' { __typename }' : '';
    return [`${field}${below}`];
  });
}

const cases = Object.keys(lists).flatMap((type) => nullableFields(type).map((field) => [type as keyof typeof lists, field] as const));

describe('whatever the schema lets be null', () => {
  test.each(notEmpty(cases))('%s %s', async (name, field) => {
    const [type, select] = lists[name];
    const [fieldName = ''] = field.split(' ');
    gitlab.fake.poison({ type, how: 'silent-null', fields: [fieldName] });
    const { body } = await gitlab.fields(select(field));
    expect(body.errors).toBeUndefined();
    expect(JSON.stringify(body.data)).toContain(`{"${fieldName}":null}`);
  });
});

test('what the schema does not let be null takes its node along: old pipelines have no iid', async () => {
  gitlab.fake.poison({ type: 'pipeline', how: 'silent-null', fields: ['iid'] });
  gitlab.project.startPipeline({ ref: 'main' });
  const { body } = await gitlab.fields('pipelines { nodes { id iid } }');
  expect(body.data.projects.nodes[0].pipelines.nodes).toEqual([null, null]);
  expect(body.errors).toMatchObject([
    { message: 'Cannot return null for non-nullable field Pipeline.iid.', path: ['projects', 'nodes', 0, 'pipelines', 'nodes', 0, 'iid'] },
    { path: ['projects', 'nodes', 0, 'pipelines', 'nodes', 1, 'iid'] },
  ]);
  expect((await gitlab.fields('pipelines { nodes { id status } }')).body.errors).toBeUndefined();
});

test('REST has nulls where recorded answers had them', async () => {
  const [pipeline] = gitlab.project.pipelines;
  for (const [type, fields] of [
    ['mergeRequest', ['sha', 'mergeCommitSha', 'mergeUser', 'description']],
    ['release', ['description', 'author']],
    ['job', ['startedAt', 'finishedAt']],
    ['pipeline', ['duration', 'user', 'startedAt']],
  ] as const)
    gitlab.fake.poison({ type, how: 'silent-null', fields });
  expect((await gitlab.rest('merge_requests')).body).toMatchObject([
    { sha: null, merge_commit_sha: null, merge_user: null, description: null },
  ]);
  expect((await gitlab.rest('releases')).body).toMatchObject([{ description: null, author: null, tag_name: 'v1' }]);
  expect((await gitlab.rest(`pipelines/${pipeline?.id}/jobs`)).body).toMatchObject([{ started_at: null, name: 'test' }]);
  expect((await gitlab.rest(`pipelines/${pipeline?.id}`)).body).toMatchObject({ duration: null, user: null, started_at: null });
});
