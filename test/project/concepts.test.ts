import { existsSync, globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { streams } from '../../src/streams/index.ts';

const concepts = readFileSync('docs/concepts.md', 'utf8');

/** The text below a heading, to the next one of the same level or a higher one. */
function section(heading: string): string {
  const level = heading.indexOf(' ');
  const [, rest = ''] = concepts.split(`\n${heading}\n`);
  return rest.split(new RegExp(`\n#{1,${level}} `))[0] ?? '';
}

/** The cells of a section's tables, without headings and rulers. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line, index, lines) => line.startsWith('|') && !line.startsWith('|-') && !lines[index + 1]?.startsWith('|-'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

const terms = rowsOf(section('## Glossary'));
const files = [...new Set([...concepts.matchAll(/\bsrc\/[\w./-]*[\w/]/g)].map(([file]) => file))];

test('docs/concepts.md names only files and folders that exist', () => {
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});

test('docs/concepts.md explains every word of the project', () => {
  const words = ['pass', 'part', 'batch', 'stream', 'walk', 'scope', 'watermark', 'overlap', 'cursor', 'frontier', 'depth', 'backfill'];
  const explained = terms.map(([term]) => term);
  expect(explained).toEqual(expect.arrayContaining([...words, 'reconcile', 'outcome', 'version', 'host state']));
});

test.each(terms)('the glossary says where the code has: %s', (_, meaning = '', place = '') => {
  const [, identifier = '', file = ''] = /^`(\w+)`, (src\/\S+\.ts)$/.exec(place) ?? [];
  expect(meaning.split('. ').length).toBeLessThanOrEqual(3);
  expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`\\b(function|const|interface|type|class|readonly) ${identifier}\\b`));
});

test.each(streams.map(({ name }) => name))(
  'docs/concepts.md has the states of the walks of %s, and the file that implements them',
  (name) => {
    const text = section(`### ${name}`);
    expect(text).toContain(`src/streams/${name}.ts`);
    expect(rowsOf(text).length).toBeGreaterThan(2);
  },
);

test('docs/concepts.md names each step that the walk of a branch can take', () => {
  const kinds = [...readFileSync('src/streams/commits.ts', 'utf8').matchAll(/\| \{ readonly kind: '(\w+)'/g)].map(([, kind]) => kind);
  const named = [...section('### commits').matchAll(/^\| \*\*(\w+)\*\* \|/gm)].map(([, kind]) => kind);
  expect(kinds.length).toBeGreaterThan(4);
  expect(new Set(named)).toEqual(new Set(kinds));
});

test('the states in docs/concepts.md are made of fields that a state has', () => {
  const declared = readFileSync('src/walk-state.ts', 'utf8');
  const named = [...section('## How far a walk has come').matchAll(/`([a-z][a-zA-Z.]*)`/g)].flatMap(([, name = '']) => name.split('.'));
  const outcomes = /type Outcome = ([^;]*);/.exec(declared)?.[1] ?? '';
  const unknown = named.filter((name) => !new RegExp(`\\breadonly ${name}\\b`).test(declared) && !outcomes.includes(`'${name}'`));
  expect([...new Set(unknown)]).toEqual([]);
  expect(named).toContain('watermark');
});

test('docs/decisions/README.md lists every decision by its title', () => {
  const list = readFileSync('docs/decisions/README.md', 'utf8');
  const listed = [...list.matchAll(/^- \[(.+)\]\((.+)\)$/gm)].map(([, title, file]) => `${title} ${file}`);
  const decisions = globSync('docs/decisions/0*.md').map((file) => {
    const [, title] = /^# (.+)$/m.exec(readFileSync(file, 'utf8')) ?? [];
    return `${title} ${file.split(/[/\\]/).at(-1)}`;
  });
  expect(listed).toEqual(decisions.toSorted((a, b) => (a.split(' ').at(-1) ?? '').localeCompare(b.split(' ').at(-1) ?? '')));
});
