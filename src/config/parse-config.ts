import * as z from 'zod';
import { shape } from './settings.ts';
import type { SettingMeta } from './setting.ts';
import { ConfigurationError } from '../errors.ts';

/** Every setting, parsed. The single schema behind the environment, the flags and the library's config object. */
export const configSchema = z.object(shape);

/** Settings with their defaults filled in. `repos` and `branches` are empty lists when not set. */
export type Config = z.output<typeof configSchema>;

/** The warning of every command when INSECURE_TLS is on. */
export const insecureWarning = 'INSECURE_TLS is on: any certificate is trusted, and anyone on the network path can read the token';

/** Name of a setting in the config object. */
export type SettingName = keyof typeof shape;

/** Every setting with its name, its description and its default, in the order of the README. */
export const settings: ReadonlyArray<
  SettingMeta & { readonly name: SettingName; readonly defaultValue: string | number | boolean | readonly string[] | undefined }
> = Object.entries(shape).map(([name, schema]) => ({
  ...(schema.meta() as unknown as SettingMeta),
  name: name as SettingName,
  defaultValue: schema.safeParse(undefined).data,
}));

/**
 * Checks settings and fills in defaults. Keys may be camelCase or snake_case; unknown keys are ignored, and empty text
 * counts as not set. `nameOf` returns the name of a setting in messages (default: its camelCase key).
 * Throws ConfigurationError with one line for each wrong setting; secret values are never repeated.
 */
export function parseConfig(input: unknown, nameOf: (name: SettingName) => string = (name) => name): Config {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new ConfigurationError(['the configuration must be an object']);
  const entries = Object.entries(input)
    .filter(([, value]) => value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === ''))
    .map(([key, value]) => [camelCase(key), value] as const);
  const values = Object.fromEntries(entries);
  const result = configSchema.safeParse(values);
  if (result.success) {
    const issues = contradictionsIn(result.data, nameOf);
    if (issues.length > 0) throw new ConfigurationError(issues);
    return result.data;
  }
  const wrong = new Map<SettingName, string>();
  for (const issue of result.error.issues) {
    const name = issue.path[0] as SettingName;
    if (!wrong.has(name)) wrong.set(name, issue.message);
  }
  throw new ConfigurationError([...wrong].map(([name, message]) => `${nameOf(name)} ${message}${quote(name, values[name])}`));
}

/** Problems of a combination of settings, each of which is valid alone. */
function contradictionsIn({ token, tokenFile, url, allowHttp }: Config, nameOf: (name: SettingName) => string): string[] {
  const { protocol, hostname, origin } = new URL(url);
  const isExposed = protocol === 'http:' && !allowHttp && !/^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return [
    ...(token && tokenFile ? [`${nameOf('token')} and ${nameOf('tokenFile')} are both set: keep one of them`] : []),
    ...(isExposed
      ? [
          `${nameOf('url')} must be an https:// URL: over ${origin} anyone on the network path can read the token (${nameOf('allowHttp')} = true sends it nevertheless)`,
        ]
      : []),
  ];
}

/** The settings found in an environment such as `process.env`, under their config names. */
export function settingsFromEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const valueOf = ({ env: variable, isCommon }: SettingMeta) => env[variable] || (isCommon ? env[variable.toLowerCase()] : undefined);
  return Object.fromEntries(settings.map((setting) => [setting.name, valueOf(setting)]));
}

function quote(name: SettingName, value: unknown): string {
  const secret = settings.find((setting) => setting.name === name)?.secret;
  if (secret || !['string', 'number', 'boolean'].includes(typeof value)) return '';
  // A user name, a password or a query in a URL may be secret too.
  const text = String(value)
    .replace(/:\/\/[^/]*@/, '://…@')
    .replace(/(:\/\/[^?#]*[?#]).*/s, '$1…');
  return `, not ${JSON.stringify(text.slice(0, 80))}`;
}

/** `poll_interval` as `pollInterval`; other texts as they are. */
export const camelCase = (key: string): string => key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
