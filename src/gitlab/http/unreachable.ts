import { inspect } from 'node:util';
import { UnreachableError, messageOf } from '../../errors.ts';
import { redactor } from '../../redact.ts';
import type { Redact } from '../../redact.ts';
import type { FetchInit } from './fetch.ts';
import { ProxyConnectError } from './network.ts';
import { rootOf } from './root-of.ts';

/** `systemCode` of an UnreachableError after RESPONSE_TIMEOUT or REQUEST_TIMEOUT. */
export const timeoutCode = 'TIMEOUT';

/** Whether a retry does not fix a failure with this code: unknown host names, certificates, ports without TLS, a proxy that refuses. */
export const isLasting = (code = ''): boolean => /^ENOTFOUND$|^PROXY_4|^EPROTO$|^ERR_SSL|^ERR_TLS|CERT|SELF_SIGNED|UNABLE_TO_/.test(code);

/** Advice by code. The first match is used. */
const advice: ReadonlyArray<readonly [RegExp, string]> = [
  [/^ENOTFOUND$/, 'check the host name in the URL'],
  [/^EAI_/, 'no name server answers: check the network and its DNS'],
  [/^ECONNREFUSED$/, 'check the host and the port in the URL, and that the server runs'],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/,
    'check the network: a firewall may block the connection, or HTTPS_PROXY may be missing',
  ],
  [/^PROXY_407$/, 'the proxy requires a user name and a password: put them into its URL, http://user:password@host:port'],
  [/^PROXY_4/, 'the proxy does not allow this host: ask its administrator, or name the host in NO_PROXY'],
  [/^PROXY_/, 'the proxy cannot reach the host: ask its administrator, or name the host in NO_PROXY'],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired and must be renewed on the server'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet: check the clock of this machine'],
  [/ALTNAME|HOSTNAME_MISMATCH/, 'its certificate is for another name: use that name in the URL'],
  [/^EPROTO$|^ERR_SSL/, 'the server does not use TLS on this port: check the port, and http:// or https://, in the URL'],
  [/CERT|SELF_SIGNED|UNABLE_TO_/, 'its certificate is not trusted here: set CA_FILE to the file of its CA certificate'],
  [/./, 'check the network, and that the server runs'],
];

/** The error for a request without a complete answer: the reason, and what to do. Its cause is what `fetch` threw, without the token. */
export function unreachable(url: string, { operation, headers }: FetchInit, thrown: unknown): UnreachableError {
  const root = rootOf(thrown);
  const code = codeOf(root);
  const redact = tokenRedactor(headers);
  if (thrown instanceof ProxyConnectError) {
    return new UnreachableError(
      `cannot reach the proxy ${thrown.proxy} (${redact(reasonOf(root, code))}): check that it runs, and HTTPS_PROXY or HTTP_PROXY; or name the host of the URL in NO_PROXY`,
      { operation, cause: redactedCause(thrown, redact), ...(code === undefined ? {} : { systemCode: code }) },
    );
  }
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

/** An error of a host application's own fetch may contain the request, and so the token. */
function redactedCause(cause: unknown, redact: Redact): unknown {
  const everything = { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null };
  const inspected = inspect(cause, everything);
  return redact(inspected) === inspected ? cause : new Error(redact(messageOf(cause)));
}

/** The system's code. For the answer of a proxy undici has no code, so the code is made from the message. */
function codeOf(error: unknown): string | undefined {
  const status = /^Proxy .*\((\d{3})\)/.exec(messageOf(error))?.[1];
  if (status !== undefined) return `PROXY_${status}`;
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** OpenSSL's message contains names of source files, so its shorter reason is used. */
function reasonOf(error: unknown, code = ''): string {
  const { reason } = Object(error) as { reason?: unknown };
  if (/^EPROTO$|^ERR_SSL/.test(code) && typeof reason === 'string') return reason;
  if (code.startsWith('PROXY_')) return `its proxy answered ${code.slice('PROXY_'.length)}`;
  return messageOf(error);
}
