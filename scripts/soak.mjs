// `npm run soak -- --minutes 10 [--seed 1]`: runs the soak test for the given time and prints its log.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } } });
if (Number(values.minutes) > 0 && Number.isInteger(Number(values.seed))) {
  const { status } = spawnSync('vitest', ['run', 'test/soak', '--disable-console-intercept'], {
    stdio: 'inherit',
    env: { ...process.env, SOAK_MINUTES: values.minutes, SOAK_SEED: values.seed },
  });
  process.exitCode = status ?? 1;
} else {
  console.error(`ERROR: --minutes must be a number above 0 and --seed a whole number, not "${values.minutes}" and "${values.seed}"`);
  process.exitCode = 2;
}
