import { readCost } from '../../gitlab/cost.ts';
import { ok, warning } from './check.ts';
import type { Check } from './check.ts';

/** Has GitLab all that a pass asks for? What it has not shows when it is asked: by the largest query, for no project. */
export const schema: Check = {
  name: 'schema',
  after: ['url', 'token', 'token-scopes'],
  look: async ({ config, gitlab }) => {
    await readCost(gitlab.graphql, { source: 'ids', projects: 1, ask: { kind: 'newest', rows: 1 }, branches: config.branches });
    const missing = gitlab.missingFields();
    if (missing.length === 0) return ok('GitLab has all that is asked for');
    return warning(`left out: ${missing.join(', ')}`, 'what this GitLab has not stays empty in events; a later version may have it');
  },
};
