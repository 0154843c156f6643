import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseConfig, settings } from '../src/config/parse-config.ts';
import { snakeCase } from '../src/config/unknown-keys.ts';
import type { SettingName } from '../src/config/parse-config.ts';

/** The file with the type. */
export const configTypeFile = 'src/config/gitlab-config.ts';

/** Creates the type of the configuration object from the schema that parses the object. */
export function configType(): string {
  const properties = settings.map(({ name, env, description, defaultText, defaultValue }) => {
    const fallback = defaultText ?? (defaultValue === undefined ? '' : `\`${String(defaultValue)}\``);
    const doc = [`${description} In the environment: \`${env}\`.`, ...(fallback ? [`@default ${fallback}`] : [])];
    return `  /**\n${doc.map((line) => `   * ${line}\n`).join('')}   */\n  readonly ${name}?: ${formsOf(name)} | null | undefined;`;
  });
  const inSnakeCase = settings
    .filter(({ name }) => snakeCase(name) !== name)
    .map(({ name }) => `  /** The same as \`${name}\`. */\n  readonly ${snakeCase(name)}?: GitlabConfig['${name}'];`);
  return `// Written by \`npm run docs\` from src/config/parse-config.ts.

/**
 * Settings of the connector. Keys may be written in camelCase or in snake_case. What is missing, null or empty has its
 * default. Any other key of an object literal does not compile. A \`StoredConfig\` is accepted as it is.
 *
 * @example
 * const config: GitlabConfig = { token: process.env.GITLAB_TOKEN, repos: 'my-group', syncLimit: 100 };
 */
export interface GitlabConfig {
${[...properties, ...inSnakeCase].join('\n')}
}

/**
 * Settings as a database stores them, such as the JSON in \`connections.config\`: the compiler knows neither its keys nor
 * its values, and accepts it wherever it accepts a \`GitlabConfig\`. Its values are checked when they are used. A key that is
 * not a setting is a warning in the log and in \`check\`, which names the nearest setting.
 *
 * @example
 * const { id, config } = await em.findOneOrFail(ConnectionEntity, 1);
 * await syncGitlab(em, config ?? {}, id);
 */
export type StoredConfig = Readonly<Record<string, unknown>>;
`;
}

/** The types that a setting accepts, found by parsing a value of each type. */
function formsOf(name: SettingName): string {
  const results = [true, 7, ['x']].map((value): unknown => {
    try {
      return parseConfig({ [name]: value })[name];
    } catch {
      return undefined;
    }
  });
  if (results.includes(true)) return 'boolean | string';
  if (results.includes(7)) return 'number | string';
  return results.some((result) => Array.isArray(result)) ? 'string | ReadonlyArray<string | number>' : 'string';
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(configTypeFile, configType());
}
