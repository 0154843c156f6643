import { lookup } from 'node:dns/promises';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { insecureWarning } from '../../config/parse-config.ts';
import type { Config } from '../../config/parse-config.ts';
import { messageOf } from '../../errors.ts';
import { proxyFor, trustOf } from '../../gitlab/http/network.ts';
import { dayText, endOf, ok, skipped, unreachable, warning } from './check.ts';
import type { Check, CheckScope, Finding } from './check.ts';

/** Why requests do not connect to the host directly, so that connecting to it shows nothing; null when they connect directly. */
function detourOf({ fetch, config }: Pick<CheckScope, 'fetch' | 'config'>): string | null {
  if (fetch) return 'requests go through the fetch that was given';
  const proxy = proxyFor(config);
  return proxy ? `requests go ${throughProxy(proxy, config)}` : null;
}

/** Describes the proxy without the user name and password of its URL. */
function throughProxy(proxy: string, { noProxy }: Config): string {
  const through = `through the proxy ${new URL(proxy).host}`;
  return noProxy.length === 0 ? through : `${through}, except for the hosts of NO_PROXY`;
}

/** Shows the proxy, the CA file and INSECURE_TLS where they are set. No finding where none is set. */
export const networkSettings: Check = {
  name: 'network-settings',
  after: [],
  look: async ({ config, fetch }) => {
    if (fetch) return [];
    const { caFile, insecureTls } = config;
    const proxy = proxyFor(config);
    const parts = [
      ...(proxy ? [throughProxy(proxy, config)] : []),
      ...(caFile ? [`the CA certificates of ${caFile} (CA_FILE) are trusted beside those of Node`] : []),
      ...(insecureTls ? [insecureWarning] : []),
    ];
    if (parts.length === 0) return [];
    return insecureTls
      ? warning(parts.join('; '), "set CA_FILE to the file of the CA's certificate, and remove INSECURE_TLS")
      : ok(parts.join('; '));
  },
};

/** Checks that the host name has an address. */
export const dns: Check = {
  name: 'dns',
  after: [],
  look: async (scope) => {
    const detour = detourOf(scope);
    if (detour) return skipped(detour);
    const { hostname } = placeOf(scope.config.url);
    try {
      const addresses = await lookup(hostname, { all: true });
      return ok(`${hostname} is ${[...new Set(addresses.map(({ address }) => address))].join(', ')}`);
    } catch (error) {
      return unreachable(
        `there is no address for ${hostname} (${codeOf(error)})`,
        'check the host name in GITLAB_URL, and the DNS of this machine',
      );
    }
  },
};

/** Checks that the host accepts connections, and that its certificate is trusted and has not expired. */
export const network: Check = {
  name: 'network',
  after: ['dns'],
  look: async (scope) => {
    const { config, now, signal } = scope;
    const detour = detourOf(scope);
    if (detour) return skipped(detour);
    const { hostname, port, isTls } = placeOf(config.url);
    const place = `${hostname}:${port}`;
    try {
      const startedAt = performance.now();
      const trust = await trustOf(config.caFile);
      const peer = await connect({ hostname, port, isTls, trust, signal, timeoutMs: config.connectTimeout * 1000 });
      const connected = `connected to ${place} in ${Math.round(performance.now() - startedAt)} ms`;
      return peer
        ? certificateFinding({ ...peer, place, connected, now: now(), isAnyTrusted: config.insecureTls })
        : ok(`${connected}, without TLS`);
    } catch (error) {
      signal?.throwIfAborted();
      return unreachable(
        `cannot connect to ${place} (${reasonOf(error)})`,
        'check the port in GITLAB_URL, and that a firewall lets this machine through',
      );
    }
  },
};

interface Place {
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
}

function placeOf(url: string): Place {
  const { hostname, port, protocol } = new URL(url);
  const isTls = protocol === 'https:';
  return { hostname: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port) || (isTls ? 443 : 80), isTls };
}

/** What the server of a TLS connection presented. */
interface Peer {
  readonly certificate: PeerCertificate;
  /** Why the certificate is not trusted on this machine; null when it is trusted. */
  readonly distrust: string | null;
}

interface Dial extends Place {
  readonly trust: ConnectionOptions;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Connects and disconnects. Sends nothing, so it is safe to accept a certificate that is not trusted. Null without TLS. */
function connect({ hostname, port, isTls, trust, timeoutMs, signal }: Dial): Promise<Peer | null> {
  return new Promise((resolve, reject) => {
    const abort = () => socket.destroy(signal?.reason as Error);
    const done = (settle: () => void) => {
      signal?.removeEventListener('abort', abort);
      socket.destroy();
      settle();
    };
    const open = (): Socket => {
      if (!isTls) return connectTcp({ host: hostname, port }, () => done(() => resolve(null)));
      const servername = /^[\d.]+$|:/.test(hostname) ? {} : { servername: hostname };
      const tls = connectTls({ host: hostname, port, ...servername, ...trust, rejectUnauthorized: false }, () => {
        const distrust = tls.authorized ? null : String(tls.authorizationError);
        const certificate = tls.getPeerCertificate();
        done(() => resolve({ certificate, distrust }));
      });
      return tls;
    };
    const socket = open();
    socket.once('error', (error) => done(() => reject(error)));
    socket.setTimeout(timeoutMs, () => done(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`))));
    signal?.addEventListener('abort', abort, { once: true });
  });
}

interface Certified extends Peer {
  readonly place: string;
  readonly connected: string;
  readonly now: Date;
  /** INSECURE_TLS is set: requests are sent whatever the certificate is. */
  readonly isAnyTrusted: boolean;
}

function certificateFinding({ certificate, distrust, place, connected, now, isAnyTrusted }: Certified): Finding {
  const { issuer, valid_to: validTo } = certificate;
  const end = new Date(validTo);
  const issuedBy = `issued by ${[issuer.CN ?? issuer.O ?? 'an unnamed CA'].flat().join(', ')}`;
  if (distrust && isAnyTrusted) return ok(`${connected}; certificate ${issuedBy}, trusted only because of INSECURE_TLS (${distrust})`);
  if (endOf(end, now) === 'past') {
    return unreachable(`the certificate of ${place} expired on ${dayText(end, now)}`, 'renew the certificate');
  }
  if (distrust) {
    return unreachable(
      `the certificate of ${place}, ${issuedBy}, is not trusted here (${distrust})`,
      /ALTNAME/.test(distrust) ? 'set GITLAB_URL to a name that is in the certificate' : 'set CA_FILE to the file of its CA certificate',
    );
  }
  const state = `${connected}; certificate ${issuedBy}, valid until ${dayText(end, now)}`;
  return endOf(end, now) === 'near' ? warning(state, 'renew the certificate before it expires') : ok(state);
}

/** The reason of a failed connection. Where a host name has several addresses, the reason of the first. */
const reasonOf = (error: unknown): string => messageOf(error instanceof AggregateError ? error.errors[0] : error);

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : messageOf(error);
};
