import { lookup } from 'node:dns/promises';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { messageOf } from '../errors.ts';
import { dayText, endOf, ok, skipped, unreachable, warning } from './check.ts';
import type { Check, CheckScope, Finding } from './check.ts';

/** A connection that takes longer than this, in milliseconds, is none. */
const connectTimeoutMs = 10_000;

/** Why requests do not go straight to the host, so that looking at it says nothing about them; null when they do. */
const detourOf = ({ fetch }: Pick<CheckScope, 'fetch'>): string | null => (fetch ? 'requests go through the fetch that was given' : null);

/** Does the host have an address? */
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

/** Does the host take connections, and can its certificate be trusted? */
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
      const peer = await connect({ hostname, port, isTls, signal });
      const connected = `connected to ${place} in ${Math.round(performance.now() - startedAt)} ms`;
      return peer ? certificateFinding({ ...peer, place, connected, now: now() }) : ok(`${connected}, without TLS`);
    } catch (error) {
      signal?.throwIfAborted();
      return unreachable(
        `${place} cannot be connected to (${reasonOf(error)})`,
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

/** The other side of a TLS connection. */
interface Peer {
  readonly certificate: PeerCertificate;
  /** Why the certificate is not trusted here; null when it is. */
  readonly distrust: string | null;
}

/** Connects and hangs up; nothing is sent, so a certificate that is not trusted can be looked at. Null without TLS. */
function connect({ hostname, port, isTls, signal }: Place & { readonly signal: AbortSignal | undefined }): Promise<Peer | null> {
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
      const tls = connectTls({ host: hostname, port, ...servername, rejectUnauthorized: false }, () => {
        const distrust = tls.authorized ? null : String(tls.authorizationError);
        const certificate = tls.getPeerCertificate();
        done(() => resolve({ certificate, distrust }));
      });
      return tls;
    };
    const socket = open();
    socket.once('error', (error) => done(() => reject(error)));
    socket.setTimeout(connectTimeoutMs, () => done(() => reject(new Error(`no answer within ${connectTimeoutMs / 1000} s`))));
    signal?.addEventListener('abort', abort, { once: true });
  });
}

interface Certified extends Peer {
  readonly place: string;
  readonly connected: string;
  readonly now: Date;
}

function certificateFinding({ certificate, distrust, place, connected, now }: Certified): Finding {
  const { issuer, valid_to: validTo } = certificate;
  const end = new Date(validTo);
  const issuedBy = `issued by ${[issuer.CN ?? issuer.O ?? 'an unnamed CA'].flat().join(', ')}`;
  if (endOf(end, now) === 'past') {
    return unreachable(`the certificate of ${place} ended on ${dayText(end, now)}`, 'have it renewed');
  }
  if (distrust) {
    return unreachable(
      `the certificate of ${place}, ${issuedBy}, is not trusted here (${distrust})`,
      /ALTNAME/.test(distrust)
        ? 'set GITLAB_URL to a name that is in the certificate'
        : 'name the file of its CA certificate in NODE_EXTRA_CA_CERTS',
    );
  }
  const state = `${connected}; certificate ${issuedBy}, valid until ${dayText(end, now)}`;
  return endOf(end, now) === 'near' ? warning(state, 'have the certificate renewed in time') : ok(state);
}

/** Where a name has several addresses, the reason is that of the first. */
const reasonOf = (error: unknown): string => messageOf(error instanceof AggregateError ? error.errors[0] : error);

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : messageOf(error);
};
