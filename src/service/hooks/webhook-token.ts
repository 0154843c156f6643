import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../../config/parse-config.ts';
import { ConfigurationError } from '../../errors.ts';
import { valueOrFile } from '../value-or-file.ts';

type HookConfig = Pick<Config, 'webhookSecret' | 'webhookSecretFile' | 'healthPort'>;

/** What GitLab must send in `X-Gitlab-Token`; null = hooks are off. Throws ConfigurationError. */
export function webhookTokenOf({ webhookSecret: value, webhookSecretFile: file, healthPort }: HookConfig): string | null {
  const token = valueOrFile({ env: 'WEBHOOK_SECRET', value, file });
  if (token !== null && healthPort === 'off')
    throw new ConfigurationError([
      'no webhook can arrive: WEBHOOK_SECRET is set, and HEALTH_PORT is off. Set a port, or no WEBHOOK_SECRET',
    ]);
  return token;
}

/** Whether the value of a header is the token. Takes as long for any value of the same length. */
export function tokenCheck(token: string): (header: string | readonly string[] | undefined) => boolean {
  const wanted = digestOf(Buffer.from(token, 'utf8'));
  // GitLab sends UTF-8, and Node reads the bytes of a header as Latin-1.
  return (header) => timingSafeEqual(wanted, digestOf(Buffer.from(typeof header === 'string' ? header : '', 'latin1')));
}

/** Digests have one length, and say nothing about how much of a token is right. */
const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
