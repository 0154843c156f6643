import { jobSchemaOf } from '../../store/database/inspect-jobs.ts';
import { ok, plural, skipped, warning } from './check.ts';
import type { Check } from './check.ts';

/** Checks that the poller can use the tables of its jobs. Whoever only runs `sync` needs none. */
export const jobs: Check = {
  name: 'jobs',
  after: ['database'],
  look: async ({ database: found, facts: { database: inspection }, config }) => {
    if (found.kind !== 'open' || !inspection) return skipped('there is no database to check');
    if (!config.databaseUrl) return skipped('only a poller on PostgreSQL has a queue of jobs');
    const schema = jobSchemaOf(config.databaseUrl);
    const { exists, mayMake, hasTables, missing } = await found.reads.inspectJobs(schema);
    const { user } = inspection;
    const needed = 'run `gitlab-connector migrate` as a user who may: docs/operations.md, Rights, has the SQL; `sync` works without';
    if (missing.length > 0) {
      return warning(
        `${user} lacks ${plural(missing.length, 'privilege')} for the jobs of the poller: ${missing.join('; ')}`,
        `grant ${missing.join(` to ${user}; grant `)} to ${user}`,
      );
    }
    if (hasTables) return ok(`the tables of the poller's jobs in ${schema} can be read and written`);
    if (mayMake) return ok(`the first start of the poller makes the tables of its jobs in the schema ${schema}`);
    return warning(
      `the poller has no tables for its jobs, and ${user} may not ${exists ? `create tables in the schema ${schema}` : `create the schema ${schema}`}`,
      needed,
    );
  },
};
