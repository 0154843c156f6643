import * as z from 'zod';
import { setting } from './setting.ts';
import { filePath, flag, hostNames, wholeNumber } from './values.ts';

/** Settings of what the poller answers: health, metrics, the page, webhooks. */
export const serverShape = {
  healthPort: setting(
    z
      .union([z.literal('off'), wholeNumber(0, 65_535, ', or off')], { error: 'must be a whole number from 0 to 65535, or off' })
      .default(8080),
    {
      env: 'HEALTH_PORT',
      value: 'port',
      description:
        'Port on which the poller answers `/healthz`, `/readyz`, `/metrics` and `/status`; 0 = any free port (the log names it), `off` = none.',
    },
  ),
  healthHost: setting(z.string({ error: 'must be a host name or an address' }).trim().default('127.0.0.1'), {
    env: 'HEALTH_HOST',
    value: 'host',
    description:
      'Address on which the poller answers. `::` = all addresses, `0.0.0.0` = those of IPv4. The answers contain project names: do not expose the port to people who may not see them.',
  }),
  healthAllowedHosts: setting(hostNames.default([]), {
    env: 'HEALTH_ALLOWED_HOSTS',
    value: 'list',
    defaultText: 'none',
    description:
      'Host names under which `/metrics` and `/status` answer, with commas between them, such as the name of a Service that Prometheus scrapes; `.example.com` = all names below it, `*` = all names. IP addresses, `localhost` and the name of this machine need no entry.',
  }),
  page: setting(flag.default(true), {
    env: 'PAGE',
    value: 'boolean',
    description:
      'Serve the page of changes at `/`. Where HEALTH_HOST lets other machines reach it, the poller starts only with PAGE_PASSWORD, or with `off` here.',
  }),
  pagePassword: setting(z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' }).optional(), {
    env: 'PAGE_PASSWORD',
    value: 'password',
    secret: true,
    description: 'Password of the page, with any user name (HTTP Basic).',
  }),
  pagePasswordFile: setting(filePath.optional(), {
    env: 'PAGE_PASSWORD_FILE',
    value: 'file',
    defaultText: 'none',
    description: 'File that holds the password of the page, in place of PAGE_PASSWORD. Read once, at the start.',
  }),
  webhookSecret: setting(z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' }).optional(), {
    env: 'WEBHOOK_SECRET',
    value: 'text',
    secret: true,
    description:
      'The secret token of the webhooks that GitLab sends to `/hooks/gitlab` of the poller. What a hook names is read within seconds, and polling goes on. Without it the path does not exist.',
  }),
  webhookSecretFile: setting(filePath.optional(), {
    env: 'WEBHOOK_SECRET_FILE',
    value: 'file',
    defaultText: 'none',
    description: 'File that holds the secret token of the webhooks, in place of WEBHOOK_SECRET. Read once, at the start.',
  }),
} as const;
