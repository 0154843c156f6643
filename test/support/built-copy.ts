import { cpSync, existsSync, globSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

const begin = 'dist/src/cli/main.js';

/** When the newest of the files was changed; 0 without files. */
const changedAt = (files: readonly string[]): number => files.reduce((newest, file) => Math.max(newest, statSync(file).mtimeMs), 0);

/**
 * Copies what `npm run build` has made, because the test of the package builds again while others run it. Returns the folder of the copy; null where
 * something was changed after the build. Renamed when complete, so that runs at the same time do not meet a half.
 */
export function copyBuilt(): string | null {
  const sources = globSync(['src/**/*', 'fake-gitlab/**/*.ts', 'schema/*', 'bin/*', 'scripts/b*.mjs', 'package-lock.json']);
  if (!existsSync(begin) || changedAt([begin]) < changedAt(sources)) return null;
  const folder = path.resolve(`.vitest/built-${Math.round(changedAt([begin]))}`);
  if (existsSync(folder)) return folder;
  // Another run may still use a copy of today.
  const dayAgo = Date.now() - 86_400_000;
  for (const old of globSync('.vitest/built-*')) if (changedAt([old]) < dayAgo) rmSync(old, { recursive: true, force: true });
  const half = mkdtempSync(path.resolve('.vitest/half-'));
  for (const part of ['dist', 'bin', 'package.json']) cpSync(part, path.join(half, part), { recursive: true });
  try {
    renameSync(half, folder);
  } catch {
    // Another run was first.
    rmSync(half, { recursive: true });
  }
  return folder;
}
