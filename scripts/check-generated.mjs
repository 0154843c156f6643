// Generates src/gitlab/generated/ from queries/ and schema/. Fails when the committed file was different.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const file = 'src/gitlab/generated/sdk.ts';
const committed = readFileSync(file, 'utf8');
execFileSync('graphql-codegen', ['--config', 'codegen.ts', '--silent'], { stdio: 'inherit' });
if (readFileSync(file, 'utf8') !== committed) {
  console.error(`${file} was not up to date with queries/ and schema/, and has been generated again: review and commit the change.`);
  process.exitCode = 1;
}
