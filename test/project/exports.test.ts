import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as publicApi from '../../src/index.ts';

const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  exports: object;
  bin: object;
  engines: { node: string };
};

test('the package exports these values, and no others', () => {
  expect(Object.keys(publicApi).toSorted()).toEqual([
    'ChangeEventEntity',
    'ChangeEventVersionEntity',
    'ConfigurationError',
    'ConnectionEntity',
    'DataDirInUseError',
    'DatabaseError',
    'ForbiddenError',
    'GitlabPassEntity',
    'GitlabProjectEntity',
    'GitlabRegistryTagEntity',
    'GitlabRequestError',
    'GitlabStreamStateEntity',
    'GitlabSyncError',
    'GraphqlError',
    'InvalidResponseError',
    'NotFoundError',
    'RateLimitedError',
    'ServerError',
    'UnauthorizedError',
    'UnreachableError',
    'UnsupportedGitlabError',
    'auditGitlab',
    'checkGitlab',
    'createHostStates',
    'entities',
    'estimateBackfill',
    'migrations',
    'parseConfig',
    'planSync',
    'settings',
    'syncGitlab',
    'version',
  ]);
});

test('the package exports these types, and no others', () => {
  const types = [...readFileSync('src/index.ts', 'utf8').matchAll(/export type \{([^}]*)\}/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
  expect(types.filter((name) => name !== '').toSorted()).toEqual([
    'AuditEntry',
    'AuditReport',
    'BackfillEstimate',
    'ChangeEvent',
    'CheckEntry',
    'CheckReport',
    'Config',
    'ConnectOptions',
    'ErrorCode',
    'GitlabAnswer',
    'GitlabConfig',
    'GraphqlErrorEntry',
    'HostStates',
    'Json',
    'JsonObject',
    'LogMethod',
    'Logger',
    'Measure',
    'Outcome',
    'PlanOptions',
    'PlanStep',
    'PlannedCost',
    'Problem',
    'SettingMeta',
    'SettingName',
    'StoredConfig',
    'StreamCounts',
    'SyncFailure',
    'SyncOptions',
    'SyncPlan',
    'SyncProgress',
    'SyncReport',
  ]);
});

test('the package has these entry points', () => {
  expect(Object.keys(packageJson.exports)).toEqual(['.', './metadata.json', './package.json']);
  expect(Object.keys(packageJson.bin)).toEqual(['gitlab-connector']);
});

test('the version is that of the package', () => {
  expect(publicApi.version).toBe(packageJson.version);
});

test('every export has a docstring', () => {
  const sources = [...readFileSync('src/index.ts', 'utf8').matchAll(/\{([^}]*)\} from '\.\/([^']+)'/g)];
  const missing = sources.flatMap(([, names = '', file = '']) => {
    const text = readFileSync(`src/${file}`, 'utf8');
    return names
      .split(',')
      .map((name) => name.trim())
      .filter(
        (name) => name !== '' && !new RegExp(String.raw`\*/\nexport (async )?(function|const|class|interface|type) ${name}\b`).test(text),
      );
  });
  expect(missing).toEqual([]);
});
