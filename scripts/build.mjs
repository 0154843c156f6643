// Compiles to dist/, which mirrors the tree: src/, the fake GitLab that `gitlab-connector demo` runs, and its schema; and the files of the page.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' });
cpSync('schema', 'dist/schema', { recursive: true });
cpSync('src/service/page/assets', 'dist/src/service/page/assets', { recursive: true });
chmodSync('dist/src/cli/main.js', 0o755);

// Only users of the library need declarations, so only those that index.d.ts leads to are kept.
const needed = new Set(['dist/src/index.d.ts']);
for (const file of needed) {
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.ts['"]/g)) {
    needed.add(path.join(path.dirname(file), `${specifier}.d.ts`));
  }
}
for (const file of globSync('dist/**/*.d.ts')) if (!needed.has(file)) rmSync(file);
