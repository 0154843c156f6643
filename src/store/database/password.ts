import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import { readSecret } from '../../config/password-file.ts';
import type { DatabaseUrl } from '../../config/database-url.ts';
import { ConfigurationError, messageOf } from '../../errors.ts';

/** A password, or how each new session gets it. Rejects with an error of one line that does not hold it. */
export type Password = string | (() => Promise<string>);

/** A command that gives the password may take this long. */
const commandTimeoutMs = 30_000;

/** The password of a database URL. Undefined where it has none. Throws ConfigurationError where it has several. */
export function passwordOf({ password, parameters }: DatabaseUrl): Password | undefined {
  const { password_file: file, password_command: command } = parameters;
  if ([password, file, command].filter((given) => given !== undefined).length > 1)
    throw new ConfigurationError(['the database URL has several of password, password_file and password_command: keep one of them']);
  if (file !== undefined) return () => Promise.resolve(passwordIn(file));
  if (command !== undefined) return () => passwordFrom(command);
  return password;
}

function passwordIn(file: string): string {
  try {
    return readSecret(file);
  } catch (cause) {
    throw new Error(`the file of the password cannot be read (${messageOf(cause)})`, { cause });
  }
}

const run = promisify(exec);

async function passwordFrom(command: string): Promise<string> {
  let printed: string;
  try {
    ({ stdout: printed } = await run(command, { timeout: commandTimeoutMs, maxBuffer: 1_000_000 }));
  } catch (error) {
    const { code, killed, stderr = '' } = error as { readonly code?: unknown; readonly killed?: boolean; readonly stderr?: string };
    const reason = killed ? `it took more than ${commandTimeoutMs / 1000} s` : `code ${String(code)}`;
    const said = stderr.trim().split('\n').at(-1) ?? '';
    // Without a cause: the error of Node holds what the command has printed.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(`the command for the password failed (${reason}${said === '' ? '' : `: ${said.slice(0, 200)}`})`);
  }
  const password = printed.replace(/[\r\n]+$/, '');
  if (password === '') throw new Error('the command for the password printed nothing');
  return password;
}
