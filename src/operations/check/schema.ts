import { readCost } from '../../gitlab/cost.ts';
import { ok, warning } from './check.ts';
import type { Check } from './check.ts';

/** Checks that GitLab has every field that a pass reads: sends the largest query, for no project. */
export const schema: Check = {
  name: 'schema',
  after: ['url', 'token', 'token-scopes'],
  look: async ({ config, gitlab }) => {
    await readCost(gitlab.graphql, { source: 'ids', projects: 1, ask: { kind: 'newest', rows: 1 }, branches: config.branches });
    const missing = gitlab.missingFields();
    if (missing.length === 0) return ok('GitLab has every field that the connector reads');
    return warning(`this GitLab lacks ${missing.join(', ')}`, 'these fields stay empty in events; a later version of GitLab may have them');
  },
};
