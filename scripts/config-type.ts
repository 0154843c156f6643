import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseConfig, settings } from '../src/config/parse-config.ts';
import type { SettingName } from '../src/config/parse-config.ts';

/** Where the type is kept. */
export const configTypeFile = 'src/config/gitlab-config.ts';

/** The type of the configuration object, from the schema that parses it. */
export function configType(): string {
  const properties = settings.map(({ name, env, description, defaultText, defaultValue }) => {
    const fallback = defaultText ?? (defaultValue === undefined ? '' : `\`${String(defaultValue)}\``);
    const rest = [fallback && `Default: ${fallback}.`, `In the environment: \`${env}\`.`].filter((text) => text !== '');
    return `  /** ${description} ${rest.join(' ')} */\n  readonly ${name}?: ${formsOf(name)} | null | undefined;`;
  });
  return `// Written by \`npm run docs\` from src/config/parse-config.ts.

/**
 * Settings of the connector, as a host keeps them: a JSON object. Keys may be written in camelCase or in snake_case.
 * What is missing, null or empty has its default; other keys are ignored.
 */
export interface GitlabConfig {
${properties.join('\n')}
  /** The same in snake_case, and whatever else the host keeps beside them. */
  readonly [key: string]: unknown;
}
`;
}

/** What may be given for a setting, found out by giving it. */
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
