// `npm run --silent sbom [-- --sbom-format=spdx]`: prints the software bill of materials of what the package installs, from package-lock.json alone.
// npm reads a lock file without the development's packages: `npm sbom --omit=dev` also leaves out what both need, such as pg.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));
const { devDependencies: _, scripts: __, ...packageJson } = json('package.json');
const lock = json('package-lock.json');
delete lock.packages[''].devDependencies;
for (const [place, { dev }] of Object.entries(lock.packages)) if (dev) delete lock.packages[place];

const temporary = mkdtempSync(path.join(tmpdir(), 'gitlab-connector-sbom-'));
// npm takes the name of the component from the folder.
const folder = path.join(temporary, 'gitlab-connector');
try {
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(packageJson));
  writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(lock));
  copyFileSync('.npmrc', path.join(folder, '.npmrc'));
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', ...process.argv.slice(2)];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
