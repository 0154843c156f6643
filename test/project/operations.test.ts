import { globSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { databaseParameters } from '../../src/config/database-parameters.ts';
import { settings } from '../../src/index.ts';
import { longestRefreshMs } from '../../src/service/schedule.ts';
import { lagIntervals } from '../../src/service/readiness.ts';
import { memoryMs } from '../../src/gitlab/compat/missing-fields.ts';
import { notEmpty } from '../support/not-empty.ts';

const operations = readFileSync('docs/operations.md', 'utf8');
const source = globSync('src/**/*.ts', { exclude: ['src/gitlab/generated/**'] })
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

/** Cells of the first column of a part's tables. */
function firstCells(heading: string): string[] {
  const [, rest = ''] = operations.split(`## ${heading}\n`);
  const [part = ''] = rest.split(/\n## /);
  return [...part.matchAll(/^\| (.+?) \|/gm)].map(([, cell = '']) => cell);
}

/** What stays the same in a message whose other parts are `…`. */
const fixedParts = (line: string) =>
  line
    .split(/…|\(\)/)
    .map((part) => part.replace(/^[\s(),:]+|[\s(),]+$/g, ''))
    .filter((part) => part.length > 3);

const lines = firstCells('Troubleshooting').flatMap((cell) => [...cell.matchAll(/`([^`]+ [^`]+)`/g)].map(([, line = '']) => line));

test('there are lines to look up', () => {
  expect(lines.length).toBeGreaterThan(20);
});

test.each(notEmpty(lines))('the program says: %s', (line) => {
  const parts = fixedParts(line).flatMap((part) => part.split('): '));
  expect(parts.length).toBeGreaterThan(0);
  expect(parts.filter((part) => !source.includes(part))).toEqual([]);
});

test('settings and figures in the prose are those of the code', () => {
  const ofLibpq = Object.values(databaseParameters).flatMap(({ env = [] }) => env);
  // The variables of the start and of the image are of Node and of XDG.
  const start = ['bin/start.cjs', 'Dockerfile'].map((file) => readFileSync(file, 'utf8')).join('\n');
  const ofStart = start.match(/\b(?:NODE|XDG)_[A-Z_]+/g) ?? [];
  const known = new Set<string>([...settings.map(({ env }) => env), ...ofLibpq, ...ofStart]);
  const named = [...operations.matchAll(/`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`/g)].map(([, name = '']) => name);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect(operations).toContain(`read every ${longestRefreshMs / 1000} seconds`);
  expect(operations).toContain(`${lagIntervals} intervals`);
  expect(memoryMs).toBe(3_600_000);
  expect(operations).toContain('tried again every hour');
});

test('a row of connections has the keys that the document lists, and no others', () => {
  const [, list = ''] = /const ownKeys = new Set\(\[([^\]]*)\]/.exec(source) ?? [];
  const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const keys = [...list.matchAll(/'(\w+)'/g)].map(([, key = '']) => snake(key));
  const listed = firstCells('Many connections').flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, key = '']) => key));
  expect(listed.filter((key) => key !== 'config').toSorted()).toEqual(keys.toSorted());
});

test('what the pod may use is what the document says', () => {
  const { spec } = parse(readFileSync('deploy/kubernetes/base/deployment.yaml', 'utf8')) as {
    spec: {
      template: {
        spec: { containers: Array<{ resources: { requests: { cpu: string; memory: string }; limits: { memory: string } } }> };
      };
    };
  };
  const { requests, limits } = spec.template.spec.containers[0]?.resources ?? {};
  const units = (memory = '') => memory.replace('Mi', ' MiB');
  expect(operations).toContain(`requests ${requests?.cpu} of a processor and ${units(requests?.memory)} of memory`);
  expect(operations).toContain(`its memory limit is ${units(limits?.memory)}`);
});
