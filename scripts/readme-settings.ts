import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { settings } from '../src/config/parse-config.ts';

const start = '<!-- settings: written by `npm run docs` from src/config/parse-config.ts -->';
const end = '<!-- /settings -->';

/** Creates the README's table of settings from the schema that parses the settings. */
export function settingsTable(): string {
  const rows = settings.map(({ name, env, description, defaultText, defaultValue }) => {
    const fallback = defaultText ?? (defaultValue === undefined ? '' : `\`${String(defaultValue)}\``);
    return `| \`${env}\` | \`${name}\` | ${fallback} | ${description} |`;
  });
  return ['| environment | in code | default | |', '|---|---|---|---|', ...rows].join('\n');
}

/** Replaces the table of settings in the README. */
export function withSettings(readme: string): string {
  const [before, rest] = readme.split(start);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md has no ${start} … ${end}`);
  return `${before}${start}\n${settingsTable()}\n${end}${after}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync('README.md', withSettings(readFileSync('README.md', 'utf8')));
}
