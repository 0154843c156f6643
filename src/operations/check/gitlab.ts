import { ForbiddenError, GitlabRequestError, ServerError, UnauthorizedError } from '../../errors.ts';
import { isTooOld, oldestVersion, readInstance } from '../../gitlab/instance.ts';
import { failure, ok, skipped, unreachable, warning } from './check.ts';
import type { Check, CheckScope } from './check.ts';

/** Checks that a GitLab answers at the URL. */
export const url: Check = {
  name: 'url',
  after: ['network'],
  look: async (scope) => {
    const { config, gitlab, facts, now } = scope;
    const sent = now();
    try {
      facts.instance = await readInstance(gitlab);
      facts.askedAt = { sent, received: now() };
      return ok(`a GitLab answers at ${config.url}`);
    } catch (error) {
      if (!(error instanceof GitlabRequestError)) throw error;
      if (error instanceof UnauthorizedError || error instanceof ForbiddenError) {
        facts.refusal = error;
        return ok(`a GitLab answers at ${config.url}, but refuses the token`);
      }
      if (error instanceof ServerError) return unreachable(error.message, 'check that this GitLab works in a browser, and try again');
      const detail = error.status === 404 ? `there is no GitLab at ${config.url} (404)` : error.message;
      const better = await betterUrl(scope);
      const advice = 'set GITLAB_URL to the address of its start page, without /api and without the path of a project or group';
      return unreachable(detail, better ? `set GITLAB_URL to ${better}` : advice);
    }
  },
};

/** How many base URLs above the given URL are tried. */
const deepestBase = 3;

/** When GITLAB_URL is the URL of a page or of the API: the base URL above it where a GitLab answers. Null when none answers. */
async function betterUrl({ config, apart }: CheckScope): Promise<string | null> {
  const { origin, pathname } = new URL(config.url);
  const segments = pathname.split('/').filter(Boolean);
  const above = segments.map((_, length) => [origin, ...segments.slice(0, length)].join('/')).slice(0, deepestBase);
  for (const candidate of above) {
    const isThere = await apart(candidate, async (gitlab) => {
      await readInstance(gitlab);
      return true;
    }).catch((error: unknown) => {
      if (error instanceof GitlabRequestError) return false;
      throw error;
    });
    if (isThere) return candidate;
  }
  return null;
}

/** Checks that GitLab is new enough. */
export const version: Check = {
  name: 'version',
  after: ['url'],
  look: async ({ facts }) => {
    if (!facts.instance) return skipped('GitLab returns its version only to a valid token');
    const { version: text, isEnterprise } = facts.instance;
    if (text === null) return skipped('this token may not read the version');
    if (isTooOld(text)) {
      return failure(
        `GitLab ${text} is too old: the connector needs ${oldestVersion} or later`,
        `update GitLab to ${oldestVersion} or later`,
      );
    }
    const edition = isEnterprise === null ? '' : isEnterprise ? ', Enterprise Edition' : ', Community Edition';
    return ok(`GitLab ${text}${edition}`);
  },
};

/** The largest difference of two clocks that gives no warning, in milliseconds. */
const skewLimitMs = 60_000;

/** Checks that this machine's clock and GitLab's agree. */
export const clock: Check = {
  name: 'clock',
  after: ['url'],
  look: async ({ facts: { instance, askedAt } }) => {
    if (!instance?.at || !askedAt) return skipped('GitLab did not say what time it is');
    // GitLab's time has whole seconds, and is from some moment between sending and receiving.
    const behindMs = instance.at.getTime() - askedAt.received.getTime();
    const aheadMs = askedAt.sent.getTime() - instance.at.getTime() - 1000;
    if (Math.max(behindMs, aheadMs) <= skewLimitMs) return ok("this machine's clock and GitLab's agree");
    const seconds = Math.round(Math.max(behindMs, aheadMs) / 1000);
    return warning(
      `this machine's clock is ${seconds} s ${behindMs > aheadMs ? 'behind' : 'ahead of'} GitLab's`,
      "synchronize this machine's clock with a time server: the stored times of passes are wrong, the times of events are right",
    );
  },
};
