// `npm run soak -- --minutes 10 [--seed 1]`: the soak test, for as long as is wanted, with what it sees.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } } });
const { status } = spawnSync('vitest', ['run', 'test/soak', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: { ...process.env, SOAK_MINUTES: values.minutes, SOAK_SEED: values.seed },
});
process.exitCode = status ?? 1;
