import { camelCase, settings } from './parse-config.ts';

/** A key of a configuration that is not a setting. */
export interface UnknownKey {
  readonly key: string;
  /** The setting that was probably meant, in the spelling (camelCase or snake_case) of the key; undefined when none is near. */
  readonly nearest: string | undefined;
}

/** Keys that PainChain's connection form may keep beside the settings (metadata.json). */
const formKeys: ReadonlySet<string> = new Set(['name', 'tags']);

/** The most letters that may be wrong, missing or swapped in a key for which a setting is suggested. */
const largestDistance = 2;

/** The keys of a configuration that are not among these settings, in their order. `names`: default all settings. */
export function unknownKeys(input: unknown, names: readonly string[] = settings.map(({ name }) => name)): UnknownKey[] {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return [];
  const known = new Set(names);
  return Object.keys(input)
    .filter((key) => !known.has(camelCase(key)) && !formKeys.has(key))
    .map((key) => ({ key, nearest: nearestSetting(key, names) }));
}

/** The message about an unknown key, in one line. */
export const unknownKeyText = ({ key, nearest }: UnknownKey): string =>
  `${JSON.stringify(key.slice(0, 80))} is not a setting here and is ignored${nearest === undefined ? '' : `: did you mean "${nearest}"?`}`;

function nearestSetting(key: string, names: readonly string[]): string | undefined {
  const nearest = nearestTo(key, names);
  return nearest === undefined || /[A-Z]/.test(key) || !key.includes('_') ? nearest : snakeCase(nearest);
}

/** The name that differs from a word in two letters at the most; undefined when none does. */
export function nearestTo(word: string, names: readonly string[]): string | undefined {
  const plain = plainOf(word);
  const distances = names.map((name) => ({ name, distance: distanceBetween(plain, plainOf(name)) }));
  const [best] = distances.toSorted((a, b) => a.distance - b.distance);
  // In a short word two wrong letters make a different word.
  return best && best.distance <= Math.min(largestDistance, Math.floor(plain.length / 3)) ? best.name : undefined;
}

/** `Poll-Interval` and `poll_interval` differ from `pollInterval` in no letter. */
const plainOf = (key: string): string => key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** `pollInterval` as `poll_interval`. */
export const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** How many letters must be changed, added, removed or swapped with their neighbour to make one word of the other. */
function distanceBetween(a: string, b: string): number {
  let [beforeLast, last]: [readonly number[], readonly number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (beforeLast[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change, swap));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
