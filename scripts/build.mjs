// Compiles to dist/, which mirrors the tree: src/, the fake GitLab that `gitlab-connector demo` runs, and its schema. src/cli/ is bundled.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundle } from './bundle.mjs';

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' });
cpSync('schema', 'dist/schema', { recursive: true });
await bundle();
chmodSync('dist/src/cli/main.js', 0o755);

/** The files that a file of dist/ leads to by its imports, itself included. `extension`: of the files, in place of that in the import. */
function reachable(first, extension) {
  const found = new Set([first]);
  for (const file of found) {
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.[jt]s['"]/g)) {
      found.add(path.join(path.dirname(file), `${specifier}${extension}`));
    }
  }
  return found;
}

// The command line is bundled, and only users of the library need declarations: of the rest, what index leads to is kept.
const needed = new Set([...reachable('dist/src/index.js', '.js'), ...reachable('dist/src/index.d.ts', '.d.ts')]);
const compiled = globSync(['dist/**/*.d.ts', 'dist/src/**/*.js'], { exclude: ['dist/src/cli/**'] });
for (const file of compiled) if (!needed.has(file)) rmSync(file);
