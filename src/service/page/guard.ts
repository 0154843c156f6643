import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';

/** Nothing from elsewhere, no script and no style within the document, no frame around it. */
const headers: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Sets the headers that protect every answer of the page, errors among them. */
export const withHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(headers)) context.res.headers.set(name, value);
};

/** Asks for a password with HTTP Basic; any user name will do. Null: asks for nothing. */
export function withPassword(password: string | null): MiddlewareHandler {
  const wanted = password === null ? null : digestOf(password);
  return async (context, next) => {
    if (wanted !== null && !timingSafeEqual(wanted, digestOf(passwordIn(context.req.header('authorization')) ?? ''))) {
      return context.text('a password is needed: PAGE_PASSWORD of the poller, with any user name\n', 401, {
        'www-authenticate': 'Basic realm="GitLab changes", charset="UTF-8"',
      });
    }
    return next();
  };
}

/** Digests have one length, and say nothing about how much of a password is right. */
const digestOf = (text: string) => createHash('sha256').update(text).digest();

/** The password of an `Authorization` header; null when there is none. */
function passwordIn(header: string | undefined): string | null {
  const [, encoded] = /^basic +([a-z0-9+/=_-]+) *$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? null : text.slice(colon + 1);
}
