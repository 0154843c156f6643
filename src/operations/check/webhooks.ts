import { hookPath } from '../../config/hook-path.ts';
import { GitlabRequestError } from '../../errors.ts';
import type { GitlabRest } from '../../gitlab/rest.ts';
import type { RestWebhook } from '../../gitlab/webhook.ts';
import { selectStreams } from '../../streams/selected.ts';
import { ok, plural, skipped, warning } from './check.ts';
import type { Check } from './check.ts';

type Event = Exclude<keyof RestWebhook, 'url' | 'alert_status'>;

/** The triggers of a hook that say that a stream has something to read. No hook says so of images. */
const eventsOf: Readonly<Record<string, readonly Event[]>> = {
  'merge-requests': ['merge_requests_events'],
  pipelines: ['pipeline_events'],
  releases: ['releases_events', 'tag_push_events'],
  commits: ['push_events'],
  deployments: ['deployment_events'],
};

/** So many projects, and as many of their groups, are looked at: one request for each. */
const mostLookedAt = 20;

/** Hooks of a place that name this poller; null = the token may not see them. */
type Found = readonly RestWebhook[] | null;

/** What is known of the hooks of one project. `hidden`: GitLab does not show all the places where one may be. */
interface View {
  readonly fullPath: string;
  readonly state: 'found' | 'none' | 'hidden' | 'masked';
  readonly off: readonly string[];
  readonly isDisabled: boolean;
}

/** Checks whether hooks lead to the poller. Never a failure: polling finds every change without them. */
export const webhooks: Check = {
  name: 'webhooks',
  after: ['url', 'token', 'token-scopes'],
  look: async ({ config, gitlab: { rest }, facts: { projects = [] } }) => {
    const looked = projects.slice(0, mostLookedAt);
    if (looked.length === 0) return skipped('no project is known');
    const streams = selectStreams(config.streams, { arePainchains: false });
    const wanted = streams.flatMap(({ name }) => (name === 'commits' && config.branches.length === 0 ? [] : (eventsOf[name] ?? [])));
    const own = await Promise.all(looked.map(({ id }) => foundAt(rest, { projectId: id })));
    const lacking = looked.filter(
      (_project, index) => viewOf('', own[index] ?? null, [], wanted).state !== 'found' || offOf(own[index] ?? [], wanted).length > 0,
    );
    const groups = [...new Set(lacking.flatMap(({ fullPath }) => groupsOf(fullPath)))].slice(0, mostLookedAt);
    const ofGroups = new Map(await Promise.all(groups.map(async (group) => [group, await foundAt(rest, { group })] as const)));
    const views = looked.map(({ fullPath }, index) =>
      viewOf(
        fullPath,
        own[index] ?? null,
        groupsOf(fullPath).map((group) => ofGroups.get(group) ?? null),
        wanted,
      ),
    );
    return findingOf(views, projects.length);
  },
};

/** The paths of a project's groups, the nearest first. */
const groupsOf = (fullPath: string): string[] => {
  const names = fullPath.split('/').slice(0, -1);
  return names.map((_name, index) => names.slice(0, names.length - index).join('/'));
};

async function foundAt(rest: Pick<GitlabRest, 'webhooks'>, of: Parameters<GitlabRest['webhooks']>[0]): Promise<Found> {
  try {
    return (await rest.webhooks(of)).filter(({ url }) => leadsHere(url) || isMasked(url));
  } catch (error) {
    // 403: the role is too low. 404: a group of a user, or a GitLab whose groups have no hooks.
    if (error instanceof GitlabRequestError && (error.status === 403 || error.status === 404)) return null;
    throw error;
  }
}

const leadsHere = (url: string): boolean => (url.split(/[?#]/)[0] ?? '').replace(/\/$/, '').endsWith(hookPath);
/** Whether the end of the URL is hidden by a variable. */
const isMasked = (url: string): boolean => /\{[^}]*\}\/?$/.test(url.split(/[?#]/)[0] ?? '');

const isDisabled = ({ alert_status: status }: RestWebhook) => typeof status === 'string' && status !== 'executable';

/** The wanted events that no hook is triggered by. What GitLab does not say counts as on. */
const offOf = (hooks: readonly RestWebhook[], wanted: readonly Event[]): Event[] => {
  const alive = hooks.filter((hook) => leadsHere(hook.url) && !isDisabled(hook));
  return alive.length === 0 ? [] : wanted.filter((event) => alive.every((hook) => hook[event] === false));
};

function viewOf(fullPath: string, own: Found, ofGroups: readonly Found[], wanted: readonly Event[]): View {
  const seen = [own, ...ofGroups].flatMap((found) => found ?? []);
  const here = seen.filter(({ url }) => leadsHere(url));
  const isHidden = own === null || ofGroups.includes(null);
  const state = here.length > 0 ? 'found' : seen.length > 0 ? 'masked' : isHidden ? 'hidden' : 'none';
  const off = offOf(seen, wanted).map((event) => event.replace(/_events$/, '').replaceAll('_', ' '));
  return { fullPath, state, off, isDisabled: here.length > 0 && here.every(isDisabled) };
}

/** How many projects a text names. */
const mostNamed = 5;
const named = (views: readonly View[]) =>
  `${views
    .slice(0, mostNamed)
    .map(({ fullPath }) => fullPath)
    .join(', ')}${views.length > mostNamed ? ` and ${views.length - mostNamed} more` : ''}`;

function findingOf(views: readonly View[], total: number) {
  const of = (state: View['state']) => views.filter((view) => view.state === state);
  const [found, none, hidden, masked] = [of('found'), of('none'), of('hidden'), of('masked')];
  const off = Map.groupBy(
    found.filter((view) => view.off.length > 0),
    (view) => view.off.join(', '),
  );
  const disabled = found.filter((view) => view.isDisabled);
  const problems = [
    ...(none.length > 0 ? [`none for ${named(none)}`] : []),
    ...[...off].map(([events, which]) => `without ${events} events for ${named(which)}`),
    ...(disabled.length > 0 ? [`turned off by GitLab for ${named(disabled)}`] : []),
  ];
  const detail = [
    `a hook to ${hookPath} was found for ${found.length} of ${total > views.length ? `the first ${views.length} of ` : ''}${plural(total, 'project')}`,
    ...problems,
    ...(masked.length > 0 ? [`a hook with a masked URL may be it for ${named(masked)}`] : []),
    ...(hidden.length > 0
      ? [`for ${named(hidden)} this token may not see all hooks: those of a project need the role Maintainer, those of a group Owner`]
      : []),
  ].join('; ');
  if (problems.length > 0) return warning(detail, 'set the hook up with these triggers: docs/operations.md, Webhooks');
  return found.length === 0 ? skipped(detail) : ok(detail);
}
