import { readFile } from 'node:fs/promises';
import { isToken } from '../../config/values.ts';
import { ConfigurationError, messageOf } from '../../errors.ts';

/** Where a token comes from. */
export interface TokenSource {
  readonly current: () => string;
  /** Looks for a new token after a refusal. Resolves to the same token when there is no new one. */
  readonly renew: (refused: string) => Promise<string>;
}

/** A token that never changes. */
export const fixedToken = (token: string): TokenSource => ({ current: () => token, renew: async () => token });

/**
 * A token in a file that may be replaced at any time. The file is read now, and again when the token is refused. White
 * space around the token is ignored. Throws ConfigurationError with the name of the file, and without its content.
 */
export async function openTokenFile(file: string): Promise<TokenSource> {
  let token = await readToken(file);
  let reading: Promise<string> | undefined;
  return {
    current: () => token,
    renew: async (refused) => {
      if (token !== refused) return token;
      reading ??= readToken(file).finally(() => {
        reading = undefined;
      });
      token = await reading;
      return token;
    },
  };
}

async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new ConfigurationError([`the token file ${file} (GITLAB_TOKEN_FILE) cannot be read: ${messageOf(error)}`]);
  }
  if (text === '') throw new ConfigurationError([`the token file ${file} (GITLAB_TOKEN_FILE) is empty`]);
  if (!isToken(text))
    throw new ConfigurationError([`the token file ${file} (GITLAB_TOKEN_FILE) must hold a token and nothing else, in one line`]);
  return text;
}
