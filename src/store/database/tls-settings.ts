import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ConnectionOptions as TlsOptions, SecureContext, SecureContextOptions, SecureVersion } from 'node:tls';
import { ConfigurationError, messageOf } from '../../errors.ts';

/** libpq's sslmode. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** How TLS is spoken with a server, from the parameters of a database URL. */
export interface TlsSettings {
  readonly mode: SslMode;
  /** TLS begins without asking the server whether it offers TLS. */
  readonly isDirect: boolean;
  /** The options of `tls.connect` for a host. */
  readonly optionsFor: (host: string) => TlsOptions;
}

/** Reads the certificates and keys that the parameters name. Throws ConfigurationError with one line. */
export function tlsSettings(parameters: Readonly<Record<string, string>>): TlsSettings {
  const { sslrootcert, sslnegotiation, sslsni } = parameters;
  const isSystem = sslrootcert === 'system';
  const mode = (parameters['sslmode'] ?? (isSystem ? 'verify-full' : 'prefer')) as SslMode;
  const isDirect = sslnegotiation === 'direct';
  refuseContradictions({ mode, isSystem, isDirect, parameters });
  if (mode === 'disable') return { mode, isDirect, optionsFor: () => ({}) };
  const secureContext = contextOf(parameters, isSystem);
  // As in libpq, a CA with sslmode=require means verify-ca.
  const isVerified = mode.startsWith('verify-') || sslrootcert !== undefined;
  return {
    mode,
    isDirect,
    optionsFor: (host) => ({
      secureContext,
      host,
      rejectUnauthorized: isVerified,
      ...(isDirect ? { ALPNProtocols: ['postgresql'] } : {}),
      ...(sslsni !== '0' && !isAddress(host) ? { servername: host } : {}),
      ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    }),
  };
}

const isAddress = (host: string) => host.includes(':') || /^[\d.]+$/.test(host);

interface Given {
  readonly mode: SslMode;
  readonly isSystem: boolean;
  readonly isDirect: boolean;
  readonly parameters: Readonly<Record<string, string>>;
}

function refuseContradictions({ mode, isSystem, isDirect, parameters }: Given): void {
  const { sslrootcert, sslcert, sslkey } = parameters;
  const isOptional = mode === 'allow' || mode === 'prefer';
  if (isSystem && mode !== 'verify-full') refuse(`sslrootcert=system needs sslmode=verify-full, not ${mode}`);
  if (sslrootcert && isOptional)
    refuse(`sslrootcert needs sslmode=verify-full, verify-ca or require: with sslmode=${mode} a server without TLS would be trusted`);
  if (mode === 'verify-ca' && !sslrootcert)
    refuse('sslmode=verify-ca needs sslrootcert, the file of the CA: any public CA would be trusted. Or write sslmode=verify-full');
  if (isDirect && (isOptional || mode === 'disable')) refuse(`sslnegotiation=direct needs sslmode=require or more, not ${mode}`);
  if (parameters['channel_binding'] === 'require' && mode === 'disable') refuse('channel_binding=require needs TLS, not sslmode=disable');
  if ((sslcert === undefined) !== (sslkey === undefined)) refuse('sslcert and sslkey need each other: set both');
}

function contextOf(parameters: Readonly<Record<string, string>>, isSystem: boolean): SecureContext {
  const { sslrootcert, sslcert, sslkey, sslcrl, sslpassword } = parameters;
  const base: SecureContextOptions = {
    ...(sslrootcert === undefined || isSystem ? {} : { ca: certificatesIn('sslrootcert', sslrootcert) }),
    minVersion: (parameters['ssl_min_protocol_version'] ?? 'TLSv1.2') as SecureVersion,
    ...(parameters['ssl_max_protocol_version'] ? { maxVersion: parameters['ssl_max_protocol_version'] as SecureVersion } : {}),
  };
  const crl = sslcrl === undefined ? {} : { crl: read('sslcrl', sslcrl) };
  if (sslcert === undefined || sslkey === undefined) return created('sslcrl', { ...base, ...crl });
  const key = { key: read('sslkey', sslkey), ...(sslpassword === undefined ? {} : { passphrase: sslpassword }) };
  created('sslkey', key);
  return created('sslcert', { ...base, ...crl, ...key, cert: certificatesIn('sslcert', sslcert) });
}

function created(name: string, options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (cause) {
    return refuse(`${name} cannot be used (${messageOf(cause)})`);
  }
}

/** Node ignores a text without certificates, and would then trust nothing, or its own CAs. */
function certificatesIn(name: string, file: string): string {
  const text = read(name, file);
  const blocks = text.match(/-----BEGIN (TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (TRUSTED )?CERTIFICATE-----/g) ?? [];
  try {
    for (const block of blocks) void new X509Certificate(block);
  } catch (cause) {
    refuse(`${name}=${file} holds a certificate that cannot be read (${messageOf(cause)})`);
  }
  return blocks.length > 0 ? text : refuse(`${name}=${file} holds no certificate in PEM`);
}

function read(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    return refuse(`${name} cannot be read (${messageOf(cause)})`);
  }
}

function refuse(problem: string): never {
  throw new ConfigurationError([`the database URL cannot be obeyed: ${problem}`]);
}
