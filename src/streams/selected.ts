import { ConfigurationError } from '../errors.ts';
import { streams } from './index.ts';
import type { Stream } from './stream.ts';

/** Reads everything, also what PainChain's dashboard has no type for. */
const all = 'all';

/**
 * The streams that the setting STREAMS names, in the order of reports. Without a name: all, but in tables of PainChain those that its
 * dashboard knows. Throws ConfigurationError for a name that no stream has.
 */
export function selectStreams(names: readonly string[], tables: { readonly arePainchains: boolean }): readonly Stream[] {
  if (names.length === 0) return streams.filter(({ isUnknownToPainchain }) => !tables.arePainchains || !isUnknownToPainchain);
  const known = new Set([all, ...streams.map(({ name }) => name)]);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new ConfigurationError([`streams names ${unknown.join(', ')}, and the streams are ${[...known].slice(1).join(', ')}, or all`]);
  return names.includes(all) ? streams : streams.filter(({ name }) => names.includes(name));
}
