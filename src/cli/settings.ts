import { parseConfig, settings, settingsFromEnv } from '../config.ts';
import type { Config, SettingName } from '../config.ts';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Io } from './io.ts';

/** Settings that say where the database is. */
export const databaseSettings: readonly SettingName[] = ['databaseUrl', 'dataDir'];

/** Every setting. */
export const allSettings: readonly SettingName[] = settings.map(({ name }) => name);

/** Settings of the poller alone. */
const pollerSettings = new Set<SettingName>(['pollInterval', 'workers', 'gracePeriod', 'healthPort', 'healthHost', 'logLevel']);
const passSettings = allSettings.filter((name) => !pollerSettings.has(name));

/** `--sync-limit` for `syncLimit`. */
const flagOf = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Adds flags for settings. Secrets get none: a command line can be read by everybody on the machine. */
export function addSettings(command: Command, names: readonly SettingName[] = passSettings): Command {
  for (const { name, env, value, secret, description, defaultText, defaultValue } of settings.filter((setting) =>
    names.includes(setting.name),
  )) {
    if (secret) continue;
    const fallback = defaultText ?? String(defaultValue);
    command.addOption(new Option(`${flagOf(name)} <${value}>`, `${description.replaceAll('`', '')} [${env}, default: ${fallback}]`));
  }
  const secrets = settings.filter(({ name, secret }) => secret && names.includes(name));
  const lines = secrets.map(({ env, description }) => `  ${env.padEnd(14)} ${description.replaceAll('`', '')}`);
  return command.addHelpText('after', `\nFrom the environment only:\n${lines.join('\n')}`);
}

/** The configuration of a command: its flags, then the environment, then the defaults. Throws ConfigurationError. */
export function configOf(flags: Readonly<Record<string, unknown>>, { env }: Io): Config {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const nameOf = (name: SettingName) => (name in given ? flagOf(name) : (settings.find((setting) => setting.name === name)?.env ?? name));
  return parseConfig({ ...settingsFromEnv(env), ...given }, nameOf);
}
