import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeCa, makeServerCertificate } from './certificates.ts';
import { createPostgres } from './postgres.ts';
import type { OwnPostgres } from './postgres.ts';

/** A running PostgreSQL that speaks TLS. Its certificate is for `localhost`, and not for 127.0.0.1. */
export interface TlsPostgres {
  readonly postgres: OwnPostgres;
  readonly port: number;
  /** Holds ca.pem, other-ca.pem, client.pem, client.key and the Unix socket. */
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

/** Who may connect how: roles that do not exist in other servers of the tests. */
const hba = `
local all all trust
hostnossl all only_tls all reject
hostssl all only_plain all reject
hostssl all with_certificate all cert
host all all all scram-sha-256
`;

export async function startTlsPostgres(): Promise<TlsPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-tls-'));
  const [ca, other] = await Promise.all([makeCa('Test CA'), makeCa('Another CA')]);
  const [server, client] = await Promise.all([
    makeServerCertificate('localhost', { ca }),
    makeServerCertificate('with_certificate', { ca }),
  ]);
  const files = {
    'ca.pem': ca.cert,
    'other-ca.pem': other.cert,
    'server.pem': server.cert,
    'server.key': server.key,
    'client.pem': client.cert,
    'client.key': client.key,
    'hba.conf': hba,
  };
  // The server runs as a user of its own where the tests run as root, and refuses a key that others can read.
  const owner = process.getuid?.() === 0 ? Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' })) : null;
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    if (owner !== null) await chown(file, owner, owner);
  }
  await chmod(folder, 0o755);
  if (owner !== null) await chown(folder, owner, owner);
  const postgres = await createPostgres({
    settings: {
      ssl: 'on',
      ssl_cert_file: path.join(folder, 'server.pem'),
      ssl_key_file: path.join(folder, 'server.key'),
      ssl_ca_file: path.join(folder, 'ca.pem'),
      hba_file: path.join(folder, 'hba.conf'),
      unix_socket_directories: folder,
      password_encryption: 'scram-sha-256',
    },
  });
  await postgres.start();
  const remove = async () => {
    await postgres.stop();
    await postgres.remove();
    await rm(folder, { recursive: true, force: true });
  };
  return { postgres, port: Number(new URL(postgres.url).port), folder, remove };
}
