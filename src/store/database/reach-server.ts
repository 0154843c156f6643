import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../errors.ts';
import type { TlsSettings } from './tls-settings.ts';

/** One way to reach a server. */
export interface Attempt {
  readonly host: string;
  readonly port: number;
  /** `offered`: TLS where the server offers it. */
  readonly tls: 'never' | 'offered' | 'always';
}

/** The ways to reach the servers of a database URL, in order. */
export function attemptsOf(hosts: ReadonlyArray<Pick<Attempt, 'host' | 'port'>>, { mode }: TlsSettings): Attempt[] {
  const ways: Record<TlsSettings['mode'], ReadonlyArray<Attempt['tls']>> = {
    disable: ['never'],
    allow: ['never', 'always'],
    prefer: ['offered', 'never'],
    require: ['always'],
    'verify-ca': ['always'],
    'verify-full': ['always'],
  };
  // As in libpq, TLS is never spoken on a Unix socket.
  return hosts.flatMap((server) => (isFolder(server.host) ? (['never'] as const) : ways[mode]).map((tls) => ({ ...server, tls })));
}

const isFolder = (host: string) => host.startsWith('/') || host.startsWith('@');

/** What `reachServer` needs. */
export interface Reach {
  readonly attempt: Attempt;
  readonly tls: TlsSettings;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/** PostgreSQL's request for TLS: its length and its code. */
const requestForTls = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Connects to a server, with TLS or without. Resolves to a socket on which the startup message can be sent. Rejects with a reason of one line. */
export async function reachServer({ attempt, tls, signal }: Reach): Promise<Socket | TLSSocket> {
  const { host, port } = attempt;
  const socket = isFolder(host)
    ? connect({ path: path.posix.join(host, `.s.PGSQL.${port}`) })
    : connect({ host: host || 'localhost', port });
  const stop = () => socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    await once(socket, 'connect');
    socket.setNoDelay(true);
    if (attempt.tls === 'never') return socket;
    if (!tls.isDirect && !(await isOffered(socket))) {
      if (attempt.tls === 'offered') return socket;
      throw new Error(`the server offers no TLS, which sslmode=${tls.mode} asks for`);
    }
    return await secured(socket, attempt, tls);
  } catch (error) {
    // What is left of the socket may fail later, when nobody listens.
    socket.on('error', () => {});
    socket.destroy();
    throw signal.aborted ? (signal.reason as Error) : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Asks for TLS. */
async function isOffered(socket: Socket): Promise<boolean> {
  socket.write(requestForTls);
  const answer = await Promise.race([
    once(socket, 'data') as Promise<[Buffer]>,
    once(socket, 'close').then(() => Promise.reject(new Error('the server ended the connection when it was asked for TLS'))),
  ]);
  const [bytes] = answer;
  socket.pause();
  // More than one byte would be plaintext that somebody on the path has put before the first byte of TLS (CVE-2021-23222).
  if (bytes.length === 1 && bytes[0] === 0x53) return true;
  if (bytes.length === 1 && bytes[0] === 0x4e) return false;
  throw new Error('the answer to the request for TLS is not an answer of PostgreSQL');
}

async function secured(socket: Socket, { host }: Attempt, tls: TlsSettings): Promise<TLSSocket> {
  const secure = connectTls({ ...tls.optionsFor(host || 'localhost'), socket });
  try {
    await once(secure, 'secureConnect');
    return secure;
  } catch (cause) {
    secure.on('error', () => {});
    secure.destroy();
    // Without a cause: messages of the database show the innermost error, and this one says what to do.
    // oxlint-disable-next-line preserve-caught-error
    throw new Error(tlsProblem(cause, tls));
  }
}

function tlsProblem(cause: unknown, { mode }: TlsSettings): string {
  const { code = '' } = cause as { readonly code?: string };
  const reason = messageOf(cause);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `the server's certificate is for another name (${reason}): connect by that name, or write sslmode=verify-ca`;
  if (code === 'CERT_HAS_EXPIRED') return `the server's certificate has expired (${reason})`;
  if (/CERT|SIGNATURE|ISSUER/.test(code) && !code.startsWith('ERR_SSL'))
    return `the server's certificate is not trusted (${reason}): set sslrootcert to the file of the CA that signed it`;
  return `TLS failed with sslmode=${mode} (${reason})`;
}
