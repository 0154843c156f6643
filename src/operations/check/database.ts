import { DataDirInUseError, DatabaseError } from '../../errors.ts';
import { unknownKeyText, unknownKeys } from '../../config/unknown-keys.ts';
import { encodingAdvice, encodingProblem } from '../../store/database/encoding.ts';
import { oldestPostgres } from '../../store/database/inspect-database.ts';
import { layoutName, refusalAdvice } from '../../store/layouts/layout.ts';
import { failure, failureBy, ok, plural, skipped, unreachable, warning } from './check.ts';
import type { Check, CheckScope, FoundDatabase } from './check.ts';

const nothingThere = skipped('there is no database to check');

/** Checks that the database can be reached, is new enough and can be written. Creates nothing. */
export const database: Check = {
  name: 'database',
  after: [],
  look: async ({ database: found, facts, config }) => {
    if (found.kind !== 'open') return unopened(found);
    const inspection = await found.reads.inspectDatabase(prunedTables(config));
    facts.database = inspection;
    const { version, majorVersion, isReadOnly, user, encoding } = inspection;
    const name = `PostgreSQL ${version}, as ${user}`;
    if (majorVersion < oldestPostgres) {
      return failure(
        `${name}: too old, the connector needs ${oldestPostgres} or later`,
        'update PostgreSQL, or set DATABASE_URL to a newer server',
      );
    }
    if (isReadOnly) return failure(`${name}: it is read-only`, 'set DATABASE_URL to the primary, not to a standby');
    const layout = await found.reads.readLayoutOf();
    if (layout.refusals.length > 0) return failure(`${name}: ${layout.refusals.join('; ')}`, refusalAdvice);
    const wrong = encodingProblem(encoding);
    if (wrong !== null) {
      const isNew = inspection.applied === null && !inspection.hasTables;
      return isNew ? failure(`${name}: ${wrong}`, encodingAdvice) : warning(`${name}: ${wrong} and become gaps`, encodingAdvice);
    }
    return ok(layout.kind.startsWith('painchain') ? `${name}; ${layoutName(layout)}` : name);
  },
};

/** The tables from which the poller deletes, as RETENTION says. */
const prunedTables = ({ retention, retentionEvents }: CheckScope['config']): string[] =>
  retention === undefined ? [] : ['change_event_versions', ...(retentionEvents ? ['change_events'] : [])];

function unopened(found: Exclude<FoundDatabase, { readonly kind: 'open' }>) {
  if (found.kind === 'none') return skipped('no database was given');
  if (found.kind === 'failed') {
    const { message } = found.error;
    return found.error instanceof DataDirInUseError
      ? warning(message, 'run the check again when the other process has ended')
      : unreachable(message);
  }
  const { description, isWritable } = found;
  if (isWritable) return ok(`there is no ${description} yet: the first sync creates it`);
  return unreachable(`there is no ${description}, and it cannot be made there`, 'set DATA_DIR to a folder that can be written');
}

/** Checks that the tables exist and are up to date. */
export const tables: Check = {
  name: 'migrations',
  after: ['database'],
  look: async ({ facts: { database: inspection } }) => {
    if (!inspection) return nothingThere;
    const { applied, pending, hasTables, mayMakeTables, user, schema, placeProblem } = inspection;
    if (placeProblem !== null) return failure(placeProblem, 'see docs/operations.md, Schemas');
    if (schema === null)
      return failure('no schema of the search path exists and may be used', 'create one, or name another with ?schema=… in DATABASE_URL');
    if (applied === null && hasTables) return ok('the tables exist; the table of applied migrations is missing');
    if (pending.length === 0) return ok(`${applied?.length ?? 0} applied, none pending`);
    const state = `${applied?.length ?? 0} applied, ${pending.length} pending`;
    if (mayMakeTables) return ok(`${state}: the next sync applies ${pending.length === 1 ? 'it' : 'them'}`);
    return failure(
      `${state}, and ${user} may not create tables${schema ? ` in the schema ${schema}` : ''}`,
      'run `gitlab-connector migrate` as a user who may create tables, or grant create on the schema',
    );
  },
};

/** Checks that the user has every privilege that a pass needs. */
export const privileges: Check = {
  name: 'privileges',
  after: ['database'],
  look: async ({ facts: { database: inspection } }) => {
    if (!inspection) return nothingThere;
    const { missingPrivileges: missing, user, hasTables } = inspection;
    if (missing.length === 0) return ok(hasTables ? 'the tables can be read and written' : 'there are no tables yet');
    return failure(
      `${user} lacks ${plural(missing.length, 'privilege')}: ${missing.join(', ')}`,
      `grant ${missing.join('; grant ')} to ${user}`,
    );
  },
};

/** Finds the connection under which events are stored, and warns about unknown keys in its config. */
export const connection: Check = {
  name: 'connection',
  after: ['database', 'privileges'],
  look: async ({ database: found, facts, config }) => {
    if (found.kind !== 'open' || !facts.database) return nothingThere;
    if (!facts.database.hasTables) return skipped('there are no tables yet');
    try {
      const id = await found.reads.knownConnection({ connectionId: config.connectionId, url: config.url });
      if (id === null) return ok(`there is no connection for ${config.url}yet: the first sync creates one`);
      const detail = `events are stored under connection ${id}`;
      const unknown = unknownKeys(Object.fromEntries((await found.reads.readConfigKeys(id)).map((key) => [key, true])));
      if (unknown.length === 0) return ok(detail);
      return warning(
        `${detail}; in its config ${unknown.map(unknownKeyText).join('; ')}`,
        'correct the key in connections.config, or remove it',
      );
    } catch (error) {
      // Only the row that CONNECTION_ID names is missing, so this is not `unreachable`.
      if (error instanceof DatabaseError) return failureBy(error, 'set CONNECTION_ID to the id of a row of connections, or remove it');
      throw error;
    }
  },
};
