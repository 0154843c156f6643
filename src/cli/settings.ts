import { insecureWarning, parseConfig, settings, settingsFromEnv } from '../config/parse-config.ts';
import type { Config, SettingName } from '../config/parse-config.ts';
import type { SettingMeta } from '../config/setting.ts';
import { withDatabasePassword } from './database-password.ts';
import { withEnvironment } from './database-environment.ts';
import { ConfigurationError } from '../errors.ts';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Io } from './io.ts';

/** Settings of the database. */
export const databaseSettings: readonly SettingName[] = [
  'databaseUrl',
  'databaseSchema',
  'databasePasswordFile',
  'databasePasswordCommand',
  'dataDir',
];

/** Every setting. */
export const allSettings: readonly SettingName[] = settings.map(({ name }) => name);

/** Settings that only the poller uses. */
const pollerSettings = new Set<SettingName>([
  'pollInterval',
  'workers',
  'gracePeriod',
  'shareToken',
  'allowedHosts',
  'healthPort',
  'healthHost',
  'healthAllowedHosts',
  'page',
  'pagePassword',
  'pagePasswordFile',
  'webhookSecret',
  'webhookSecretFile',
  'retention',
  'retentionEvents',
  'logLevel',
]);
const passSettings = allSettings.filter((name) => !pollerSettings.has(name));

/** `--sync-limit` for `syncLimit`. */
const flagOf = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Secrets have no flag, because every user of the machine can read a command line. */
const hasFlag = ({ secret, isCommon }: SettingMeta) => !secret && !isCommon;

/** Adds flags for settings. */
export function addSettings(command: Command, names: readonly SettingName[] = passSettings): Command {
  const wanted = settings.filter(({ name }) => names.includes(name));
  for (const { name, env, value, description, defaultText, defaultValue } of wanted.filter(hasFlag)) {
    const fallback = defaultText ?? String(defaultValue);
    const placeholder = value === 'boolean' ? '[boolean]' : `<${value}>`;
    command.addOption(new Option(`${flagOf(name)} ${placeholder}`, `${description.replaceAll('`', '')} [${env}, default: ${fallback}]`));
  }
  const others = wanted.filter((setting) => !hasFlag(setting));
  const lines = others.map(({ env, description }) => `  ${env.padEnd(14)} ${description.replaceAll('`', '')}`);
  return command.addHelpText('after', `\nFrom the environment only:\n${lines.join('\n')}`);
}

/** The configuration of a command: its flags, then the environment, then the defaults. Throws ConfigurationError. */
export function configOf(flags: Readonly<Record<string, unknown>>, { env }: Io): Config {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const nameOf = (name: SettingName) => (name in given ? flagOf(name) : (settings.find((setting) => setting.name === name)?.env ?? name));
  return withEnvironment(withDatabasePassword(parseConfig({ ...settingsFromEnv(env), ...given }, nameOf), nameOf), env);
}

/** The configuration of a command that reads the database only, and has flags of its own beside the settings. Throws ConfigurationError. */
export function databaseConfigOf(
  { databasePasswordFile, databasePasswordCommand, dataDir, connectionId }: Readonly<Record<string, unknown>>,
  io: Io,
): Config {
  return configOf({ databasePasswordFile, databasePasswordCommand, dataDir, connectionId }, io);
}

/** The configuration of a command that reads from GitLab. Prints a warning for insecure settings. Throws ConfigurationError, also when the token is missing. */
export function gitlabConfigOf(flags: Readonly<Record<string, unknown>>, io: Io): Config {
  const config = configOf(flags, io);
  if (!config.token && !config.tokenFile) throw new ConfigurationError(['GITLAB_TOKEN not set']);
  if (config.insecureTls) io.err.write(`WARNING: ${insecureWarning}\n`);
  return config;
}
