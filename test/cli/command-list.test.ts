import { Command } from 'commander';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/command-list.ts';
import { runCli } from '../support/run-cli.ts';

test.each(commands.map((command) => [command.usage, command] as const))(
  'the list shows `%s` as the module of the command describes it',
  async (usage, { summary, load }) => {
    const program = new Command();
    const output = { write: () => {} };
    (await load())(program, { env: {}, out: output, err: output, signal: new AbortController().signal }, () => {});
    const [loaded] = program.commands;
    const flags = (loaded?.options.length ?? 0) > 0 ? ' [options]' : '';
    expect({ usage: `${loaded?.name()}${flags}`, summary: loaded?.summary() }).toEqual({ usage, summary });
  },
);

test.each([
  ['events', '--help'],
  ['help', 'events'],
])('`%s %s` shows the flags of the command', async (...args) => {
  expect(await runCli(args)).toMatchObject({ code: 0, out: expect.stringContaining('--history <id>') as string, err: '' });
});

test('a value that is the name of another command is a value', async () => {
  const { code, err } = await runCli(['events', '--text', 'sync', '--data-dir', '/nowhere/to/be/found']);
  expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('there is no database in /nowhere/to/be/found yet') as string });
});
