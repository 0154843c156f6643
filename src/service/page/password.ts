import type { Config } from '../../config/parse-config.ts';
import { ConfigurationError } from '../../errors.ts';
import { valueOrFile } from '../value-or-file.ts';

type PageConfig = Pick<Config, 'page' | 'pagePassword' | 'pagePasswordFile' | 'healthHost' | 'healthPort'>;

/** The password of the page; null = none. Throws ConfigurationError where the page would be open to other machines without one. */
export function pagePasswordOf({ page, pagePassword, pagePasswordFile: file, healthHost, healthPort }: PageConfig): string | null {
  if (!page || healthPort === 'off') return null;
  const password = valueOrFile({ env: 'PAGE_PASSWORD', value: pagePassword, file });
  if (password === null && !isOfThisMachine(healthHost)) {
    throw new ConfigurationError([
      `other machines can reach the page of changes (HEALTH_HOST is ${healthHost}): set PAGE_PASSWORD or PAGE_PASSWORD_FILE, or PAGE=off`,
    ]);
  }
  return password;
}

/** Whether only this machine reaches an address. */
const isOfThisMachine = (host: string) =>
  /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|0*(:0*){1,7}:0*1|::ffff:127(\.\d{1,3}){3})$/i.test(host.replace(/^\[(.*)\]$/, '$1'));
