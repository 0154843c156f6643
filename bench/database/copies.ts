import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';
import { from, to } from 'pg-copy-streams';

/** The events of a database in the text format of COPY. */
export interface Copies {
  /** All of them, so many in each. */
  read(pageSize: number): Promise<Buffer[]>;
  /** Stores them, each in a COPY and a transaction of its own. */
  write(pages: readonly Buffer[]): Promise<void>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

const clearing = 'truncate change_events cascade';
const writing = 'copy change_events from stdin';

/** The copies of a PostgreSQL. */
export async function postgresCopies(databaseUrl: string): Promise<Copies> {
  const client = new Client(databaseUrl);
  await client.connect();
  return {
    read: async (pageSize) => linesIn(await buffer(client.query(to('copy change_events to stdout'))), pageSize),
    write: async (pages) => {
      for (const page of pages) await pipeline(Readable.from([page]), client.query(from(writing)));
    },
    clear: async () => {
      await client.query(clearing);
    },
    close: () => client.end(),
  };
}

/** The copies of an embedded database that no other process has open. */
export async function pgliteCopies(dataDir: string): Promise<Copies> {
  const database = await PGlite.create(dataDir);
  return {
    read: async (pageSize) => {
      const { blob } = await database.query(`copy change_events to '/dev/blob'`);
      return linesIn(Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer()), pageSize);
    },
    write: async (pages) => {
      for (const page of pages) await database.query(`copy change_events from '/dev/blob'`, [], { blob: new Blob([new Uint8Array(page)]) });
    },
    clear: async () => {
      await database.query(clearing);
    },
    close: () => database.close(),
  };
}

/** COPY's text has a line for each row, and no other line breaks. */
function linesIn(text: Buffer, pageSize: number): Buffer[] {
  const pages: Buffer[] = [];
  let [start, lines] = [0, 0];
  for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, end + 1)) {
    lines++;
    if (lines % pageSize !== 0 && end + 1 < text.length) continue;
    pages.push(text.subarray(start, end + 1));
    start = end + 1;
  }
  return pages;
}
