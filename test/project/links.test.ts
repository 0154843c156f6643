import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { notEmpty } from '../support/not-empty.ts';

const files = globSync('**/*.md', { exclude: ['node_modules/**', '.node/**', 'dist/**', 'docs/api/**'] });

/** A document's headings as the anchors that GitHub makes of them. */
function anchorsOf(file: string): Set<string> {
  const text = withoutCode(readFileSync(file, 'utf8'));
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

const withoutCode = (text: string) => text.replaceAll(/^```.*?^```/gms, '');

/** Links of a document to other files, and to places in them. */
const linksOf = (file: string) =>
  [...withoutCode(readFileSync(file, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^\w+:/.test(link));

test('there are documents', () => {
  expect(files).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', path.join('docs', 'operations.md')]));
  expect(anchorsOf('docs/operations.md')).toContain('tokens-and-scopes');
});

test.each(notEmpty(files))('%s links to what there is', (file) => {
  const broken = linksOf(file).filter((link) => {
    const [target = '', anchor] = link.split('#');
    const linked = target === '' ? file : path.join(path.dirname(file), target);
    return !existsSync(linked) || (anchor !== undefined && !anchorsOf(linked).has(anchor));
  });
  expect(broken).toEqual([]);
});

const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

test('CONTRIBUTING.md lists every script that people run, and no other', () => {
  const text = readFileSync('CONTRIBUTING.md', 'utf8');
  const listed = [...text.matchAll(/^\| ((?:`[a-z:]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z:]+)`/g)].map(([, name = '']) => name),
  );
  const own = Object.keys(packageJson.scripts).filter((name) => !/^(pre|check:|test$)/.test(name));
  expect(listed.toSorted()).toEqual(own.toSorted());
});
