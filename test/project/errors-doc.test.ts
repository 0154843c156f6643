import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as errors from '../../src/errors.ts';
import type { GitlabSyncError, RequestFailure } from '../../src/errors.ts';
import * as publicApi from '../../src/index.ts';

type ErrorClass = new (first: unknown, failure: RequestFailure) => GitlabSyncError;

const isErrorClass = (value: unknown): value is ErrorClass => typeof value === 'function' && value.prototype instanceof Error;

/** Some are made of a list of reasons. */
const ofLists: ReadonlySet<unknown> = new Set([errors.ConfigurationError, errors.GraphqlError, errors.UnsupportedGitlabError]);

const instances = Object.values<unknown>(errors)
  .filter(isErrorClass)
  .map((Class) => new Class(ofLists.has(Class) ? ['x'] : 'x', { operation: 'x' }));

test('docs/errors.md lists the code and the class of every error, and no others', () => {
  const rows = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(\w+)` \| `(\w+)` \| .+ \| .+ \|$/gm)];
  expect(rows.map(([, code, name]) => `${code} ${name}`).toSorted()).toEqual(
    instances.map(({ code, name }) => `${code} ${name}`).toSorted(),
  );
});

test('no two error classes share a code', () => {
  expect(new Set(instances.map(({ code }) => code)).size).toBe(instances.length);
});

test('every error class is exported by the package under its own name', () => {
  const exported: Readonly<Record<string, unknown>> = publicApi;
  expect(instances.filter(({ name, constructor }) => exported[name] !== constructor)).toEqual([]);
});
