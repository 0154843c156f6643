import { generate } from 'selfsigned';

/** A key and a certificate in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const dayMs = 86_400_000;
const days = (count: number) => new Date(Date.now() + count * dayMs);

async function certificate(name: string, options: object): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: days(-90),
    notAfterDate: days(20),
    ...options,
  });
  return { key: made.private, cert: made.cert };
}

/** A certificate authority of its own. */
export const makeCa = (name: string): Promise<Certificate> =>
  certificate(name, {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });

/** A server's certificate for a host name, by a CA or by itself, that ends in so many days. */
export const makeServerCertificate = (
  host: string,
  { ca, endsInDays = 20 }: { readonly ca?: Certificate; readonly endsInDays?: number } = {},
): Promise<Certificate> =>
  certificate(host, {
    ...(ca ? { ca } : {}),
    notAfterDate: days(endsInDays),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  });
