// Fails when src/gitlab/generated/ is not what queries/ and schema/ generate.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const file = 'src/gitlab/generated/sdk.ts';
const committed = readFileSync(file, 'utf8');
execFileSync('graphql-codegen', ['--config', 'codegen.ts', '--silent'], { stdio: 'inherit' });
if (readFileSync(file, 'utf8') !== committed) {
  console.error(`${file} was not up to date with queries/ and schema/. It is now: look at what changed and commit it.`);
  process.exitCode = 1;
}
