import { databaseParameters, hintFor, problemOf } from './database-parameters.ts';

/** One server of a database URL. `host` is a name, an address without brackets, or the folder of a Unix socket. */
export interface DatabaseHost {
  readonly host: string;
  readonly port: number;
}

/** A database URL, taken apart. Texts are decoded. */
export interface DatabaseUrl {
  /** In the order in which they are tried. At least one. */
  readonly hosts: readonly DatabaseHost[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** The other parameters, by libpq's names; parameters without a value are left out. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A database URL that cannot be used. The message completes "DATABASE_URL …" and never holds a password. */
export class DatabaseUrlProblem extends Error {}

const defaultPort = 5432;
const howToEncode = 'write # as %23, / as %2F, ? as %3F, @ as %40, : as %3A and % as %25 in a user name or a password';

/**
 * Takes a URL of PostgreSQL apart, as libpq does: several hosts, IPv6 addresses in brackets, hosts and any other parameter in the query.
 * Throws DatabaseUrlProblem for everything that the connector would have to ignore.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const match = /^postgres(?:ql)?:\/\/(?<authority>[^/?]*)(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/s.exec(text);
  if (!match?.groups) throw new DatabaseUrlProblem('must be a postgres:// or postgresql:// URL');
  if (text.includes('#')) throw new DatabaseUrlProblem(`must hold no bare #: ${howToEncode}`);
  const { authority = '', path = '', query = '' } = match.groups;
  const at = authority.lastIndexOf('@');
  if (at === -1 && `${path}${query}`.includes('@') && authority.includes(':'))
    throw new DatabaseUrlProblem(`must hold no bare / or ? before the @: ${howToEncode}`);
  const credentials = at === -1 ? '' : authority.slice(0, at);
  const colon = credentials.indexOf(':');
  const parameters = parametersOf(query);
  const own = {
    user: decoded(colon === -1 ? credentials : credentials.slice(0, colon)),
    password: colon === -1 ? '' : decoded(credentials.slice(colon + 1)),
    database: decoded(path),
  };
  const { host, port, user, password, dbname, ...others } = parameters;
  return {
    hosts: hostsOf(authority.slice(at + 1), host, port),
    user: user ?? (own.user || undefined),
    password: password ?? (own.password || undefined),
    database: dbname ?? (own.database || undefined),
    parameters: others,
  };
}

/** A database URL with more parameters. A parameter that the URL has already is left as it is. */
export function withParameters(text: string, more: Readonly<Record<string, string>>): string {
  const { user, password, database, hosts, parameters } = parseDatabaseUrl(text);
  const isSet: Readonly<Record<string, boolean>> = {
    user: user !== undefined,
    password: password !== undefined,
    dbname: database !== undefined,
    host: hosts.some(({ host }) => host !== ''),
    port: /^[^?]*:\d+(?:[/?,]|$)/.test(text.replace(/^[^@?]*@|^\w+:\/\//, '')) || /[?&]port=/.test(text),
  };
  const added = Object.entries(more).filter(([name]) => !(isSet[name] ?? name in parameters));
  if (added.length === 0) return text;
  const query = added.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return `${text}${text.includes('?') ? '&' : '?'}${query}`;
}

/** `host:5432/name` for people, without user, password and parameters. */
export function describeDatabaseUrl(text: string): string {
  const { hosts, database } = parseDatabaseUrl(text);
  const named = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host || 'localhost'}:${port}`);
  return `${named.join(',')}${database === undefined ? '' : `/${database}`}`;
}

function parametersOf(query: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const part of query.split('&').filter((piece) => piece !== '')) {
    const equals = part.indexOf('=');
    const name = decoded(equals === -1 ? part : part.slice(0, equals));
    const value = equals === -1 ? '' : decoded(part.slice(equals + 1));
    // As libpq reads it, and as JDBC and other drivers write it.
    if (name === 'ssl' && value === 'true') parameters['sslmode'] ??= 'require';
    else if (!(name in databaseParameters)) throw new DatabaseUrlProblem(`has the parameter ${printed(name)}, ${hintFor(name)}`);
    else if (value !== '') parameters[name] = value;
  }
  for (const [name, value] of Object.entries(parameters)) {
    const problem = problemOf(name, value);
    if (problem) throw new DatabaseUrlProblem(problem);
  }
  return parameters;
}

/** Names come from the URL: a piece of a password that was not encoded may be one. */
const printed = (name: string): string => (/^[A-Za-z_]{2,40}$/.test(name) ? name : `in its query that cannot be read (${howToEncode})`);

function hostsOf(authority: string, hostParameter: string | undefined, portParameter: string | undefined): DatabaseHost[] {
  const own = authority.split(',').map(hostOf);
  const ports = portParameter?.split(',');
  if (hostParameter === undefined) {
    if (!ports) return own.map(({ host, port }) => ({ host, port: port ?? defaultPort }));
    return own.map(({ host, port }, index) => ({ host, port: port ?? portOf(ports[ports.length === 1 ? 0 : index]) }));
  }
  const names = hostParameter.split(',');
  return names.map((host, index) => ({
    host,
    port: ports
      ? portOf(ports[ports.length === 1 ? 0 : index])
      : (own[index]?.port ?? (own.length === 1 ? own[0]?.port : undefined) ?? defaultPort),
  }));
}

function hostOf(text: string): { readonly host: string; readonly port: number | undefined } {
  const match = /^(?:\[(?<address>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?<name>[^:[\]]*))(?::(?<port>\d*))?$/.exec(text);
  if (!match?.groups)
    throw new DatabaseUrlProblem(
      `has a host or a port that cannot be read: an IPv6 address stands in brackets ([::1]:5432), and ${howToEncode}`,
    );
  const { address, name = '', port } = match.groups;
  return { host: address?.replace(/%25/, '%') ?? decoded(name), port: port ? portOf(port) : undefined };
}

function portOf(text: string | undefined): number {
  if (!text) return defaultPort;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new DatabaseUrlProblem('has a port that is no number from 1 to 65535');
  return port;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseUrlProblem(`must hold no bare percent sign: ${howToEncode}`);
  }
}
