import { settings } from '../../src/index.ts';

/** Names of the environment variables that are settings. */
export const knownSettings: ReadonlySet<string> = new Set(settings.map(({ env }) => env));
