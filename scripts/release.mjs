// `npm run release -- 0.2.0 [--date 2026-11-30]`: writes the version of a release into every file that names it, and gives the
// changelog's Unreleased section its heading. Writes all files or, when one is not as expected, none. Leaves git and npm alone.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

class ReleaseError extends Error {}

/** The files that contain the version of the package, and the texts around it. `VERSION` stands for the version. */
const places = {
  'package.json': ['"version": "VERSION"'],
  'package-lock.json': ['"version": "VERSION"'],
  'README.md': ['gitlab-connector-VERSION.tgz'],
  'src/version.ts': ["version = 'VERSION'"],
  Dockerfile: ['=VERSION\nARG REVISION'],
  'compose.yaml': ['gitlab-connector:VERSION'],
  'deploy/kubernetes/base/deployment.yaml': ['gitlab-connector:VERSION'],
  'deploy/kubernetes/all-connections/kustomization.yaml': ['newTag: VERSION'],
  'deploy/kubernetes/generated-secret/kustomization.yaml': ['newTag: VERSION'],
  'docs/operations.md': ['gitlab-connector:VERSION'],
};

/** Whether every occurrence of a text is replaced. Otherwise only the first is replaced, which is the version of the package itself. */
const isEverywhere = (text) => text.startsWith('gitlab-connector');

function withVersion(file, before, { from, to }) {
  let after = before;
  for (const text of places[file]) {
    const [old, next] = [text.replace('VERSION', from), text.replace('VERSION', to)];
    if (!after.includes(old))
      throw new ReleaseError(`${file} does not contain ${old}: correct the file, or its entry in scripts/release.mjs`);
    after = isEverywhere(text) ? after.replaceAll(old, next) : after.replace(old, next);
  }
  return after;
}

/** The lock file contains the version of the package twice. */
function withLockedVersion(before, { to }) {
  const lock = JSON.parse(before);
  lock.version = to;
  lock.packages[''].version = to;
  return `${JSON.stringify(lock, null, 2)}\n`;
}

function withHeading(changelog, { to, date }) {
  const [head, rest] = changelog.split('## Unreleased\n');
  if (rest === undefined) throw new ReleaseError('CHANGELOG.md has no heading "## Unreleased"');
  const [section] = rest.split(/^## /m);
  if (!/^- /m.test(section)) throw new ReleaseError('CHANGELOG.md has nothing under "## Unreleased": there is nothing to release');
  if (rest.includes(`## ${to} `)) throw new ReleaseError(`CHANGELOG.md has a section for ${to} already`);
  return `${head}## Unreleased\n\n## ${to} (${date})\n${rest}`;
}

/** Whether version a is earlier than version b: compares the three numbers, then 1.0.0-rc.1 comes before 1.0.0. */
function isEarlier(a, b) {
  const [left, right] = [a, b].map((text) => text.split('-')[0].split('.').map(Number));
  for (const [index, number] of left.entries()) if (number !== right[index]) return number < right[index];
  return a.includes('-') && !b.includes('-');
}

function release([to, ...others], date) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(to ?? '') || others.length > 0) {
    throw new ReleaseError('give one version such as 0.2.0: npm run release -- 0.2.0');
  }
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new ReleaseError(`--date must be a day such as 2026-11-30, not "${date}"`);
  const { version: from } = JSON.parse(readFileSync('package.json', 'utf8'));
  if (isEarlier(to, from)) throw new ReleaseError(`${to} is earlier than ${from}, which package.json names`);
  const versions = { from, to, date };
  const written = Object.keys(places).map((file) => {
    const before = readFileSync(file, 'utf8');
    return [file, file === 'package-lock.json' ? withLockedVersion(before, versions) : withVersion(file, before, versions)];
  });
  written.push(['CHANGELOG.md', withHeading(readFileSync('CHANGELOG.md', 'utf8'), versions)]);
  for (const [file, text] of written) writeFileSync(file, text);
  return written.map(([file]) => file);
}

try {
  const today = new Date().toISOString().slice(0, 10);
  const { values, positionals } = parseArgs({ options: { date: { type: 'string', default: today } }, allowPositionals: true });
  const [version] = positionals;
  console.log(`Wrote ${version} into ${release(positionals, values.date).join(', ')}.`);
  console.log(`Next: npm ci && npm test, git commit --all, git tag v${version}, git push --follow-tags, npm publish.`);
} catch (error) {
  if (!(error instanceof ReleaseError) && error?.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error;
  console.error(`ERROR: ${error.message}`);
  process.exitCode = 2;
}
