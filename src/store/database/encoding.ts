/** Encodings in which every text can be stored. SQL_ASCII stores bytes as they are, and the connector sends UTF-8. */
const storesEverything = new Set(['UTF8', 'SQL_ASCII']);

/** What is wrong with the encoding of a database; null when every text of a GitLab can be stored. */
export const encodingProblem = (encoding: string): string | null =>
  storesEverything.has(encoding) ? null : `its encoding is ${encoding}: rows with characters that ${encoding} lacks cannot be stored`;

/** Works on every server, whatever the locale of its other databases. */
export const encodingAdvice =
  "create a database with `create database … encoding 'UTF8' locale 'C' template template0`, and set DATABASE_URL to it";
