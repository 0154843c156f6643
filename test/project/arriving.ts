import { settings } from '../../src/index.ts';

/** What the documents and manifests name, and other branches bring. A test fails for whatever has arrived: take it out here. */
export const arriving: { readonly settings: readonly string[]; readonly commands: readonly string[] } = {
  settings: [],
  commands: ['check', 'plan'],
};

/** Names of the environment variables that are settings. */
export const knownSettings: ReadonlySet<string> = new Set([...settings.map(({ env }) => env), ...arriving.settings]);
