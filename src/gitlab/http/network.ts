import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { isInRanges } from '../../config/address-ranges.ts';
import { ConfigurationError, messageOf } from '../../errors.ts';
import { rootOf } from './root-of.ts';

/** Proxies, certificates and timeouts of the connections to a GitLab. */
export interface NetworkOptions {
  readonly url: string;
  /** Proxies for https:// and for http:// URLs. The URL of a proxy may contain a user name and a password. */
  readonly httpsProxy?: string | undefined;
  readonly httpProxy?: string | undefined;
  /** Hosts without a proxy: host names (a name includes its subdomains), addresses, or `*`; each with or without a port. */
  readonly noProxy: readonly string[];
  /** A file of CA certificates in PEM, which are trusted in addition to the certificates that Node trusts. */
  readonly caFile?: string | undefined;
  readonly connectTimeoutMs: number;
  /** Trust any certificate. */
  readonly insecureTls: boolean;
}

/** The open connections to a GitLab. */
export interface Network {
  /** Undefined when the global fetch is used. */
  readonly fetch: typeof globalThis.fetch | undefined;
  /** Closes the connections. */
  readonly close: () => Promise<void>;
}

/** The connect timeout of the global fetch, in milliseconds. */
const usualConnectTimeoutMs = 10_000;

/**
 * Opens the network to a GitLab. Uses the global fetch when no setting needs another one, because a host application
 * may have replaced it. Throws ConfigurationError when the CA file cannot be used.
 */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const { noProxy, caFile, connectTimeoutMs, insecureTls } = options;
  const proxy = proxyFor(options);
  if (!proxy && !caFile && !insecureTls && connectTimeoutMs === usualConnectTimeoutMs) {
    return { fetch: undefined, close: async () => {} };
  }
  const tls = {
    timeout: connectTimeoutMs,
    rejectUnauthorized: !insecureTls,
    ...(await trustOf(caFile)),
  };
  // Node's own fetch accepts no dispatcher of another version of undici, so undici's fetch is used. Loaded only when needed.
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent({
    // With empty texts undici does not read the proxy variables of the environment.
    httpProxy: proxy ?? '',
    httpsProxy: proxy ?? '',
    noProxy: noProxy.join(','),
    proxyTunnel: false,
    connect: tls,
    requestTls: tls,
    proxyTls: tls,
  });
  const send = (input: string, init: object) =>
    fetch(input, { ...init, dispatcher }).catch((error: unknown) => {
      throw proxy ? ofProxy(error, proxy) : error;
    });
  return { fetch: send as unknown as typeof globalThis.fetch, close: () => dispatcher.destroy() };
}

/** The TLS options that trust the CA file. Throws ConfigurationError when the CA file cannot be used. */
export async function trustOf(caFile: string | undefined): Promise<{ readonly secureContext?: SecureContext }> {
  if (!caFile) return {};
  return { secureContext: createSecureContext({ ca: [...getCACertificates('default'), ...(await readCertificates(caFile))] }) };
}

/** The configured proxy for the scheme of a URL. Of NO_PROXY it looks at ranges of addresses only: the agent knows the rest. */
export function proxyFor({
  url,
  httpsProxy,
  httpProxy,
  noProxy,
}: Pick<NetworkOptions, 'url' | 'httpsProxy' | 'httpProxy' | 'noProxy'>): string | undefined {
  const { protocol, hostname } = new URL(url);
  if (isInRanges(hostname.replaceAll(/^\[|\]$/g, ''), noProxy)) return undefined;
  return protocol === 'https:' ? httpsProxy : httpProxy;
}

/** A connection that failed on the way to the proxy. */
export class ProxyConnectError extends Error {
  /** Host and port of the proxy. */
  readonly proxy: string;
  constructor(proxy: string, cause: unknown) {
    super(`no connection to the proxy ${proxy}`, { cause });
    this.proxy = proxy;
  }
}

/** The error of a request, as a ProxyConnectError when it is the proxy that was not reached. */
function ofProxy(error: unknown, proxyUrl: string): unknown {
  const { hostname, port, protocol, host } = new URL(proxyUrl);
  const proxyPort = Number(port) || (protocol === 'https:' ? 443 : 80);
  const root = rootOf(error) as { readonly port?: unknown; readonly hostname?: unknown; readonly syscall?: unknown };
  const isConnect = root.syscall === 'connect' && root.port === proxyPort;
  const isLookup = root.hostname === hostname;
  return isConnect || isLookup || messageOf(root).includes(`attempted address: ${hostname}:${proxyPort}`)
    ? new ProxyConnectError(host, error)
    : error;
}

async function readCertificates(file: string): Promise<string[]> {
  try {
    const text = await readFile(file, 'utf8');
    const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
    if (certificates.length === 0) throw new Error('it contains no certificate in PEM');
    return certificates.map((certificate) => new X509Certificate(certificate).toString());
  } catch (error) {
    throw new ConfigurationError([`the file of CA certificates ${file} (CA_FILE) cannot be used: ${messageOf(error)}`]);
  }
}
