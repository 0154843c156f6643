import { generate } from 'selfsigned';

/** A key and a certificate in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const dayMs = 86_400_000;

/** A server's certificate for a host name, that has signed itself and ends in so many days. */
export async function certificateFor(host: string, days: number): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 90 * dayMs),
    notAfterDate: new Date(Date.now() + days * dayMs),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
  });
  return { key: made.private, cert: made.cert };
}
