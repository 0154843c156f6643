/** A parameter of a database URL, by libpq's name. */
interface DatabaseParameter {
  /** The variable that gives it where the URL does not. */
  readonly env?: string;
  /** Tests a value. */
  readonly fits?: (value: string) => boolean;
  /** What fits, for the message. */
  readonly must?: string;
}

const oneOf = (...values: readonly string[]): DatabaseParameter => ({
  fits: (value) => values.includes(value),
  must: values.length === 1 ? `be ${values[0]}` : `be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
});
const tlsVersions = oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3');

/** Every parameter that is obeyed, or whose given values change nothing. A parameter that is not here is refused. */
export const databaseParameters: Readonly<Record<string, DatabaseParameter>> = {
  host: { env: 'PGHOST' },
  port: { env: 'PGPORT' },
  dbname: { env: 'PGDATABASE' },
  user: { env: 'PGUSER' },
  password: { env: 'PGPASSWORD' },
  // Of this program: a file with the password, which is read for each new session.
  password_file: {},
  // Of this program: a command that prints the password.
  password_command: {},
  schema: {
    fits: (value) => /^[A-Za-z_][\w -]{0,39}$/.test(value),
    must: 'be the name of a schema, of at most 40 letters, digits, underscores, hyphens and spaces',
  },
  sslmode: { env: 'PGSSLMODE', ...oneOf('disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full') },
  sslrootcert: { env: 'PGSSLROOTCERT' },
  sslcert: { env: 'PGSSLCERT' },
  sslkey: { env: 'PGSSLKEY' },
  sslpassword: {},
  sslcrl: { env: 'PGSSLCRL' },
  sslsni: { env: 'PGSSLSNI', ...oneOf('0', '1') },
  sslnegotiation: { env: 'PGSSLNEGOTIATION', ...oneOf('postgres', 'direct') },
  ssl_min_protocol_version: { env: 'PGSSLMINPROTOCOLVERSION', ...tlsVersions },
  ssl_max_protocol_version: { env: 'PGSSLMAXPROTOCOLVERSION', ...tlsVersions },
  channel_binding: { env: 'PGCHANNELBINDING', ...oneOf('disable', 'prefer', 'require') },
  options: { env: 'PGOPTIONS' },
  application_name: { env: 'PGAPPNAME' },
  fallback_application_name: {},
  connect_timeout: { env: 'PGCONNECT_TIMEOUT', fits: (value) => /^\d{1,5}$/.test(value), must: 'be a number of seconds' },
  target_session_attrs: {
    env: 'PGTARGETSESSIONATTRS',
    ...oneOf('any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'),
  },
  load_balance_hosts: { env: 'PGLOADBALANCEHOSTS', ...oneOf('disable', 'random') },
  keepalives: oneOf('0', '1'),
  keepalives_idle: { fits: (value) => /^\d{1,6}$/.test(value), must: 'be a number of seconds' },
  client_encoding: { env: 'PGCLIENTENCODING', ...oneOf('UTF8', 'utf8', 'UTF-8', 'utf-8', 'auto') },
  gssencmode: { env: 'PGGSSENCMODE', ...oneOf('disable', 'prefer') },
  sslcompression: { env: 'PGSSLCOMPRESSION', ...oneOf('0') },
  // Written by users of node-postgres: libpq's meaning is the only one here.
  uselibpqcompat: oneOf('true'),
};

/** Variables of libpq that would weaken or move a connection if they were ignored. */
const refusedVariables = ['PGSERVICE', 'PGHOSTADDR', 'PGREQUIREAUTH', 'PGREQUIREPEER', 'PGSSLCRLDIR', 'PGREQUIRESSL'];

const prisma = "which is Prisma's: remove it";
const hints: Readonly<Record<string, string>> = {
  currentSchema: "which is JDBC's: write schema=…",
  search_path: 'which is no parameter: write schema=…, or options=-csearch_path%3D…',
  statement_timeout: 'which is no parameter: write options=-cstatement_timeout%3D…',
  lock_timeout: 'which is no parameter: write options=-clock_timeout%3D…',
  ssl: 'whose value is not true: write sslmode=disable, allow, prefer, require, verify-ca or verify-full',
  pgbouncer: prisma,
  connection_limit: prisma,
  pool_timeout: prisma,
  sslaccept: `${prisma}, and write sslmode=verify-full or sslmode=require`,
  sslidentity: prisma,
};

/** Why a parameter is refused. */
export const hintFor = (name: string): string => hints[name] ?? 'which the connector cannot obey: remove it';

/** What is wrong with a value, or undefined. Values are not repeated, except those that cannot be a secret. */
export function problemOf(name: string, value: string): string | undefined {
  const parameter = databaseParameters[name];
  if (!parameter?.fits || parameter.fits(value)) return undefined;
  const said = /^[\w.-]{1,30}$/.test(value) ? `, not ${value}` : '';
  return `has a ${name} that cannot be obeyed: it must ${parameter.must}${said}`;
}

/** The parameters that an environment gives, and the variables in it that cannot be obeyed. */
export function parametersFromEnv(env: Readonly<Record<string, string | undefined>>): {
  readonly given: Readonly<Record<string, string>>;
  readonly refused: readonly string[];
} {
  const entries = Object.entries(databaseParameters).flatMap(([name, parameter]) => {
    const value = parameter.env === undefined ? undefined : env[parameter.env];
    return value ? [[name, value] as const] : [];
  });
  return { given: Object.fromEntries(entries), refused: refusedVariables.filter((name) => env[name]) };
}
