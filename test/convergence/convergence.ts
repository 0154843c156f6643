import { expect } from 'vitest';
import { createHostStates, syncGitlab } from '../../src/index.ts';
import { syncPart } from '../../src/operations/sync-part.ts';
import type { Database } from '../../src/store/database/database.ts';
import { readSelected } from '../../src/store/progress/read-selected.ts';
import type { Clock } from '../../src/gitlab/limits/clock.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { Faults } from './faults.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { World } from '../../fake-gitlab/world/world.ts';
import { blind, cutLocks } from '../support/cut-locks.ts';
import { fetchFrom } from '../support/fake.ts';
import { eventRows } from '../support/rows.ts';
import type { EventRow } from '../support/rows.ts';
import { branch, expectedEvents, expectedLinks, firstSeen } from './expected-events.ts';
import type { ExpectedEvent } from './expected-events.ts';
import { anyPath, checkDeployments, checkLeaving, checkTags, checkVersions, createHistory } from './history.ts';
import type { History } from './history.ts';
import { createMortal } from './mortal.ts';
import type { Death } from './mortal.ts';
import { randomChange } from './random-change.ts';
import type { Kinds } from './random-change.ts';
import type { Random } from './random.ts';
import { createUnkind } from './unkindness.ts';
import type { Unkind, Unkindness } from './unkindness.ts';

/** Where a run takes place. */
export interface Setting {
  readonly world: World;
  readonly fake: FakeGitlab;
  readonly database: Database;
  readonly connectionId: number;
  readonly config: Readonly<Record<string, unknown>> & { readonly url: string };
  readonly random: Random;
  /** What breaks requests while the world changes. */
  readonly faults?: Faults;
  /** What the world does beside changing. */
  readonly unkind?: readonly Unkindness[];
  /** In place of the system's. */
  readonly clock?: Clock;
}

/**
 * Changes a world at random, between passes and while they run, and kills passes at random points; then lets it rest,
 * and checks that the table says what the world says. `journal` gets a line for everything that happened. Resolves to
 * how many events were compared.
 */
export async function converge(setting: Setting, journal: string[]): Promise<number> {
  const { world, fake, random } = setting;
  const unkind = createUnkind(setting.unkind ?? [], world, random);
  const everything = createMemory(world, setting.config.url);
  const options = randomOptions(random, world);
  journal.push(`options ${JSON.stringify(options)}`);
  const change = () => {
    journal.push(randomChange(world, random, options.kinds));
    everything.remember();
  };
  // A path that changes before it was ever read cannot be followed.
  if (options.projectIds) journal.push(`first pass: ${await pass(setting, options, null)}`);
  fake.intercept = (request, seen) => {
    // While a pass runs the world moves on.
    while (random.chance(0.15)) change();
    return setting.faults?.intercept(request, seen);
  };
  // The embedded database has no sessions that could be cut.
  const hasSessions = setting.database.em.getDriver().constructor.name !== 'PgliteDriver';
  for (let round = 3 + random.below(5); round > 0; round--) {
    journal.push(...unkind.happen());
    everything.remember();
    const isBurst = random.chance(0.3);
    for (let count = isBurst ? 100 : random.below(15); count > 0; count--) change();
    const settings = { ...options, config: { ...options.config, ...unkind.settings() } };
    const isOutrun = random.chance(0.2) && hasSessions;
    if (isOutrun) {
      const request = 1 + random.below(10);
      journal.push(`pass, cut off at request ${request}: ${await outrunPass(setting, settings, request)}`);
      continue;
    }
    if (random.chance(0.5)) journal.push(`hooks: ${await readHinted(setting, settings)}`);
    const death = random.chance(0.65) ? randomDeath(random) : null;
    journal.push(`pass${death ? `, killed at ${death.at} ${death.count}` : ''}: ${await pass(setting, settings, death)}`);
  }
  fake.intercept = undefined;
  unkind.settle();
  world.pass(minutes(10));
  journal.push(`last pass: ${await pass(setting, options, null)}`);
  // A pass that notices a restore leaves reading again to the next one.
  if (unkind.wasRestored()) journal.push(`after the restore: ${await pass(setting, options, null)}`);
  // What leaves a trace is all there by now; for the rest everything is read again.
  if (options.kinds === 'all') journal.push(`reconciled: ${await pass(setting, { ...options, reconcile: true }, null)}`);
  const compared = await check(setting, options, everything, unkind.isPoisoned);
  if (!unkind.heal()) return compared;
  journal.push(`healed: ${await pass(setting, { ...options, reconcile: true }, null)}`);
  return check(setting, options, everything, unkind.isPoisoned);
}

/** Webhooks of some projects, in any order: the others are lost, and those of projects that are not read are dropped. One may come twice. */
async function readHinted(setting: Setting, options: PassOptions): Promise<string> {
  const { world, random, database, connectionId } = setting;
  const named = world.projects.map(({ id }) => id).filter(() => random.chance(0.5));
  const selected = await readSelected(database.em, { connectionIds: [connectionId], projectIds: named });
  // The database returns them in any order, and a seed is to mean one history.
  const ids = selected.map(({ projectId }) => projectId).toSorted((a, b) => a - b);
  const hinted = ids.toSorted(() => random.next() - 0.5);
  const times = random.chance(0.3) ? 2 : 1;
  const ends: string[] = [];
  for (let i = 0; hinted.length > 0 && i < times; i++)
    ends.push(await pass(setting, { ...options, hinted }, random.chance(0.3) ? randomDeath(random) : null));
  return `${hinted.join(' ')}: ${ends.join('; ')}`;
}

/** How passes run, and over what. */
export interface PassOptions {
  /** Only these projects are read, because hooks have named them. */
  readonly hinted?: readonly number[];
  readonly reconcile?: boolean;
  readonly config: Readonly<Record<string, unknown>>;
  readonly kinds: Kinds;
  /** The projects that are asked for; undefined = all. */
  readonly projectIds: readonly number[] | undefined;
}

function randomOptions(random: Random, { projects }: World): PassOptions {
  const ids = projects.map(({ id }) => id);
  const repos = random.pick([[], ['acme'], ids, projects.map(({ fullPath }) => fullPath)]);
  const kinds = random.pick(['all', 'traced'] as const);
  const config = {
    repos,
    branches: branch,
    projectLimit: 0,
    syncLimit: 'all',
    tagLimit: 0,
    concurrency: 1 + random.below(6),
    ...(kinds === 'traced'
      ? { tagChecks: 1_000, reconcileInterval: 31_536_000 }
      : { tagChecks: random.below(6), reconcileInterval: random.pick([0, 3_600, 21_600]) }),
  };
  return { kinds, config, projectIds: repos.length === projects.length ? ids : undefined };
}

const randomDeath = (random: Random): Death => ({
  at: random.pick(['request', 'before commit', 'after commit'] as const),
  count: 1 + random.below(random.chance(0.5) ? 8 : 40),
});

/**
 * A pass that loses its lock at a request, and does not know it: another pass runs to its end, and then this one goes on
 * with the answer of before. Resolves to how both ended.
 */
async function outrunPass(setting: Setting, options: PassOptions, request: number): Promise<string> {
  const { fake, database, connectionId, config, clock, faults } = setting;
  const fetch = fetchFrom(fake);
  let requests = 0;
  let other = 'none';
  const outrun: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (++requests === request && (await cutLocks(database.em, connectionId)) > 0) other = await pass(setting, options, null);
    return answer;
  };
  const result = await syncGitlab(blind(database.em), { ...config, ...options.config }, connectionId, {
    fetch: outrun,
    hostStates: createHostStates(clock ? { clock } : {}),
  });
  if (!('error' in result)) return `ended before that; the other one: ${other}`;
  const mayFail = (other !== 'none' && result.code === 'busy') || (faults && result.code === 'gitlab');
  if (!mayFail) throw new Error(result.error);
  return `${result.error}; the other one: ${other}`;
}

/** One pass of a process that may die. Resolves to how it ended. */
async function pass(
  { fake, database, connectionId, config, clock, faults, unkind }: Setting,
  options: PassOptions,
  death: Death | null,
): Promise<string> {
  const { em, signal, fetch, isDead } = createMortal(database.em, death, fetchFrom(fake));
  const { reconcile = false, hinted } = options;
  faults?.forget();
  const all = { ...config, ...options.config };
  const given = { signal, fetch, hostStates: createHostStates(clock ? { clock } : {}) };
  const reading = hinted
    ? syncPart({ em, config: all, connectionId, options: given }, hinted)
    : syncGitlab(em, all, connectionId, { ...given, reconcile });
  const result = await reading.catch((error: unknown) => {
    if (!isDead()) throw error;
    return null;
  });
  if (isDead() || result === null) return 'killed';
  if ('error' in result) {
    // Where nothing at all is answered, a pass may fail as a whole; the world is at rest when it must not.
    if ((faults ?? unkind) && fake.intercept && result.code === 'gitlab') return result.error;
    throw new Error(result.error);
  }
  return `fetched ${result.fetched}, stored ${result.stored}, corrected ${result.corrected}`;
}

/** What there has ever been: rows of what was deleted stay, and may say anything that was once true. */
export interface Memory {
  readonly remember: () => void;
  /** Whether there has ever been such an event. */
  readonly has: (projectId: number, eventPath: string, eventId: string) => boolean;
  readonly history: History;
  /** Merge requests that GitLab has hidden at some time. */
  readonly hidden: ReadonlySet<string>;
}

/** A memory of what there is in a world now. */
export function createMemory(world: World, baseUrl: string): Memory {
  const ids = new Map<number, Set<string>>();
  const hidden = new Set<string>();
  const history = createHistory(world);
  const remember = () => {
    history.remember();
    for (const project of world.projects) {
      const known = ids.get(project.id) ?? new Set<string>();
      ids.set(project.id, known);
      for (const id of expectedEvents({ project, eventPath: anyPath, baseUrl }).keys()) known.add(id);
      // Of other branches too, which a run may read for a while.
      for (const { id } of project.pipelines) known.add(`pipeline-${anyPath}-${id}`);
      for (const { iid } of project.deployments.rows) known.add(`deployment-${anyPath}-${iid}`);
      for (const sha of project.git.commits.keys()) known.add(`commit-${anyPath}-${sha}`);
      for (const row of project.mergeRequests) {
        known.add(`mr-${anyPath}-${row.iid}`);
        if (row.isHidden) hidden.add(`${project.id} ${row.iid}`);
      }
    }
  };
  remember();
  const has = (projectId: number, eventPath: string, eventId: string) =>
    [...(ids.get(projectId) ?? [])].some((id) => id.replace(anyPath, eventPath) === eventId.replace(distinction, ''));
  return { remember, has, hidden, history };
}

interface StoredProject {
  readonly project_id: number;
  readonly event_path: string;
  readonly is_gone: boolean;
}

/** Compares the table with the world, row by row and field by field, and that a world at rest costs no write. Resolves to how many events were compared. */
export async function check(
  setting: Setting,
  options: PassOptions,
  memory: Memory,
  isLeftOut: Unkind['isPoisoned'] = () => false,
): Promise<number> {
  const { database, connectionId, world, config } = setting;
  const projects = await database.em
    .fork()
    .execute<StoredProject[]>(
      'select project_id::int as project_id, event_path, coalesce(gone_at, unselected_at) is not null as is_gone from gitlab_projects where connection_id = ?',
      [connectionId],
    );
  const paths = new Map(projects.map(({ project_id, event_path }) => [project_id, event_path]));
  const rows = await eventRows(database.em, connectionId);
  const present = projects.filter(({ is_gone }) => !is_gone).map(({ project_id }) => project_id);
  const wanted = world.projects.filter(({ id }) => options.projectIds?.includes(id) ?? true).map(({ id }) => id);
  expect(
    present.toSorted((a, b) => a - b),
    'projects that are read',
  ).toEqual(wanted);
  const expected = new Set<string>();
  for (const project of world.projects) {
    const eventPath = paths.get(project.id);
    // A project that settings of a while have read is left where it was.
    if (eventPath === undefined || !wanted.includes(project.id)) continue;
    const isHidden = (id: string) =>
      [...memory.hidden].some((key) => key.startsWith(`${project.id} `) && id === `mr-${eventPath}-${key.split(' ')[1]}`);
    for (const [id, event] of expectedEvents({ project, eventPath, baseUrl: config.url })) {
      expected.add(id);
      // What was hidden and is shown again has changed without a trace, and is no more open perhaps.
      if (isHidden(id) || isLeftOut(project.id, eventPath, id)) continue;
      const row = rowOf(rows, event);
      if (row) expected.add(row.event_id);
      expect({ id, row: contentOf(row, event) }).toEqual({
        id,
        row: contentOf(row ? asDeployment(asImage(event, row), row) : event, event),
      });
    }
  }
  const phantoms = [...rows.keys()].filter(
    (id) => !expected.has(id) && ![...paths].some(([project, path]) => memory.has(project, path, id)),
  );
  expect(phantoms.join(' '), 'events of nothing').toBe('');
  checkLinks(rows, paths);
  await checkVersions(database, connectionId, memory.history);
  // What fails on a row that is known and was not read when it began to fail is noted when it is read.
  const isPoisoned = (id: string) => [...paths].some(([project, path]) => isLeftOut(project, path, id));
  checkTags([...rows.values()], { world, history: memory.history, isPoisoned, hasReconciled: options.kinds === 'all' });
  const rowsOf = [...rows.values()];
  const projectOf = (id: string) =>
    [...paths].find(([project, path]) => wanted.includes(project) && new RegExp(`^[a-z]+-${path}-`).test(id))?.[0];
  checkDeployments(rowsOf, { world, isPoisoned, hasReconciled: options.kinds === 'all', projectOf });
  // Only a reconcile asks for what is missing.
  if (options.kinds === 'all') checkLeaving(rowsOf, { world, isPoisoned }, projectOf);
  await checkRest(setting, options, {
    before: rows,
    isLeftOut: (id) => isPoisoned(id) || (options.kinds === 'traced' && !expected.has(id)),
  });
  // A world may lose every project that is asked for.
  return wanted.length === 0 ? rows.size : expected.size;
}

/** What the id of a second push of an image ends with. */
const distinction = /~[0-9a-f]{12}$/;

/** The row of an event. Of the images of a tag it is the one to which the tag points. */
const rowOf = (rows: ReadonlyMap<string, EventRow>, { event_id: id }: ExpectedEvent): EventRow | undefined =>
  id.startsWith('registry-')
    ? [...rows.values()].find((row) => row.event_id.replace(distinction, '') === id && row.metadata['is_current'] === true)
    : rows.get(id);

/** An image, with what only the connector can say of the push. */
function asImage(
  event: ExpectedEvent,
  { event_id, metadata: { pushed_at: pushedAt = null, previous_digest: previous = null } }: EventRow,
): ExpectedEvent {
  if (!event.event_id.startsWith('registry-')) return event;
  const built = event.timestamp === firstSeen ? null : new Date(event.timestamp).toISOString();
  const metadata = { ...event.metadata, image_created_at: built, pushed_at: pushedAt, previous_digest: previous, is_current: true };
  return { ...event, event_id, metadata, timestamp: typeof pushedAt === 'string' ? pushedAt : event.timestamp };
}

/** A deployment, with what follows from the others of its environment. */
function asDeployment(
  event: ExpectedEvent,
  { metadata: { previous_sha = null, is_current = null, rollback = null } }: EventRow,
): ExpectedEvent {
  if (!event.title.startsWith('[Deployment]')) return event;
  return { ...event, metadata: { ...event.metadata, previous_sha, is_current, rollback } };
}

/** Everything but links, which have a check of their own, and times that are those of the first sight. */
function contentOf(row: ExpectedEvent | EventRow | undefined, { timestamp: wanted }: ExpectedEvent): object | undefined {
  if (!row) return undefined;
  const { event_id, title, description, author, timestamp, url, status, metadata } = row;
  return {
    event_id,
    title,
    author,
    url,
    status,
    metadata,
    description: { ...description, related_events: [] },
    ...(wanted === firstSeen ? {} : { timestamp }),
  };
}

/** Links are those of the rows of a project among each other, both ways. */
function checkLinks(rows: ReadonlyMap<string, EventRow>, paths: ReadonlyMap<number, string>): void {
  for (const path of paths.values()) {
    const own = [...rows.values()].filter(({ event_id }) => new RegExp(`^[a-z]+-${path}[-/]`).test(event_id));
    for (const [id, links] of expectedLinks(own)) expect(rows.get(id)?.description.related_events, `links of ${id}`).toEqual(links);
  }
}

interface Rest {
  readonly before: ReadonlyMap<string, EventRow>;
  /** Events that may change: GitLab cannot answer for them, or only a reconcile asks for them. */
  readonly isLeftOut: (eventId: string) => boolean;
}

/** A world that rests costs no write. */
async function checkRest(setting: Setting, options: PassOptions, { before, isLeftOut }: Rest): Promise<void> {
  await pass(setting, { ...options, reconcile: true }, null);
  const after = await eventRows(setting.database.em, setting.connectionId);
  const well = (rows: ReadonlyMap<string, EventRow>) => new Map([...rows].filter(([id]) => !isLeftOut(id)));
  expect(well(after), 'a pass over a world at rest').toEqual(well(before));
}
