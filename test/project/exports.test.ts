import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as publicApi from '../../src/index.ts';

const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  exports: object;
  bin: object;
  engines: { node: string };
};

test('the package has one entry point for code, and one command', () => {
  expect(Object.keys(packageJson.exports)).toEqual(['.', './metadata.json', './package.json']);
  expect(Object.keys(packageJson.bin)).toEqual(['gitlab-connector']);
});

test('the exported version is that of package.json', () => {
  expect(publicApi.version).toBe(packageJson.version);
});

test('every export of src/index.ts has a docstring', () => {
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
