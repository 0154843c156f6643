import { inspect } from 'node:util';
import { UnreachableError, messageOf } from '../../errors.ts';
import { redactor } from '../../redact.ts';
import type { Redact } from '../../redact.ts';
import type { FetchInit } from './fetch.ts';

/** `systemCode` of an UnreachableError after RESPONSE_TIMEOUT or REQUEST_TIMEOUT. */
export const timeoutCode = 'TIMEOUT';

/** Codes of failures that a retry does not fix: names, certificates, ports without TLS, a proxy that refuses. */
export const isLasting = (code = ''): boolean => /^ENOTFOUND$|^PROXY_4|^EPROTO$|^ERR_SSL|^ERR_TLS|CERT|SELF_SIGNED|UNABLE_TO_/.test(code);

/** Advice by code. The first that fits counts. */
const advice: ReadonlyArray<readonly [RegExp, string]> = [
  [/^ENOTFOUND$/, 'check the host name in the URL'],
  [/^EAI_/, 'no name server answers: check the network and its DNS'],
  [/^ECONNREFUSED$/, 'check the host and the port in the URL, and that it runs'],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/,
    'check the network: a firewall may be in the way, or HTTPS_PROXY missing',
  ],
  [/^PROXY_407$/, 'the proxy wants a user name and a password: put them into its URL, http://user:password@host:port'],
  [/^PROXY_4/, 'the proxy does not let this host through: ask who runs it, or name the host in NO_PROXY'],
  [/^PROXY_/, 'the proxy cannot reach it: ask who runs it, or name the host in NO_PROXY'],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired and must be renewed there'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet: check the clock of this machine'],
  [/ALTNAME|HOSTNAME_MISMATCH/, 'its certificate is for another name: use that name in the URL'],
  [/^EPROTO$|^ERR_SSL/, 'it does not speak TLS there: check the port, and http:// or https://, in the URL'],
  [/CERT|SELF_SIGNED|UNABLE_TO_/, 'its certificate is not trusted here: name the certificate of its CA in CA_FILE'],
  [/./, 'check the network, and that it runs'],
];

/** The error for a request without a whole answer: the reason, and what to do. What `fetch` threw is the cause, without the token. */
export function unreachable(url: string, { operation, headers }: FetchInit, thrown: unknown): UnreachableError {
  const root = rootOf(thrown);
  const code = codeOf(root);
  const redact = tokenRedactor(headers);
  const [, hint] = advice.find(([pattern]) => pattern.test(code ?? 'unknown')) ?? [];
  return new UnreachableError(`cannot reach ${new URL(url).origin} (${redact(reasonOf(root, code))}): ${hint}`, {
    operation,
    cause: redactedCause(thrown, redact),
    ...(code === undefined ? {} : { systemCode: code }),
  });
}

/** Removes the token of a request from texts. */
export const tokenRedactor = ({ authorization = '' }: FetchInit['headers']): Redact =>
  redactor([authorization.replace(/^Bearer /, '')], '[token]');

/** The errors of a host's own fetch may contain the request, and so the token. */
function redactedCause(cause: unknown, redact: Redact): unknown {
  const everything = { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null };
  const inspected = inspect(cause, everything);
  return redact(inspected) === inspected ? cause : new Error(redact(messageOf(cause)));
}

/** fetch says only "fetch failed"; the reason is the cause, or the first of several attempts' causes. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? error : rootOf(cause);
}

/** The system's code. undici has none for what a proxy answered, only a message. */
function codeOf(error: unknown): string | undefined {
  const status = /^Proxy .*\((\d{3})\)/.exec(messageOf(error))?.[1];
  if (status !== undefined) return `PROXY_${status}`;
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** OpenSSL's messages name its source files; its reason is enough. */
function reasonOf(error: unknown, code = ''): string {
  const { reason } = Object(error) as { reason?: unknown };
  if (/^EPROTO$|^ERR_SSL/.test(code) && typeof reason === 'string') return reason;
  if (code.startsWith('PROXY_')) return `its proxy answered ${code.slice('PROXY_'.length)}`;
  return messageOf(error);
}
