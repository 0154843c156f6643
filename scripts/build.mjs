// Compiles to dist/, which mirrors the tree: src/, the fake GitLab that `gitlab-connector demo` runs, and its schema.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { stdio: 'inherit' });
cpSync('schema', 'dist/schema', { recursive: true });
chmodSync('dist/src/cli/main.js', 0o755);
