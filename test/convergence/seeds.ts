import { messageOf } from '../../src/errors.ts';
import type { DatabaseKind } from '../support/databases.ts';

/** The seeds of a run: a few in every run of the suite; `npm run test:convergence` is the long one. */
export function seedsOf(usual: number): number[] {
  const first = wholeNumber('CONVERGENCE_FIRST_SEED', 1);
  const count = wholeNumber('CONVERGENCE_SEEDS', usual);
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Throws for anything else: a mistyped number of seeds would run none, and pass. */
function wholeNumber(name: string, usual: number): number {
  const number = Number(process.env[name] ?? usual);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${name} must be a whole number of at least 1, not "${process.env[name]}"`);
  return number;
}

/** Runs a seed. What fails says what happened before, and with which command it happens again. */
export async function runSeed<T>(seed: number, kind: DatabaseKind, run: (journal: string[]) => Promise<T>): Promise<T> {
  const journal: string[] = [];
  try {
    return await run(journal);
  } catch (error) {
    const unkind = process.env.CONVERGENCE_UNKIND ? `CONVERGENCE_UNKIND=${process.env.CONVERGENCE_UNKIND} ` : '';
    const repeat = `${unkind}CONVERGENCE_FIRST_SEED=${seed} CONVERGENCE_SEEDS=1 npm run test:convergence -- -t ${kind}`;
    throw new Error(`${messageOf(error)}\n\nThe same run again: ${repeat}\n\n${journal.join('\n')}\n`, { cause: error });
  }
}
