import type { ChangeEvent } from '../events/change-event.ts';
import type { EventProject } from '../events/event-project.ts';
import type { BatchProject } from '../gitlab/batch.ts';
import type { Gap, WalkState } from '../walk-state.ts';
import type { PlacedState } from '../store/progress/save-progress.ts';
import { closed } from '../streams/access.ts';
import { isNothing } from '../streams/stream.ts';
import { withBeginnings } from './beginnings.ts';
import type { Page, Stored, Stream, StreamContext, Walk, WalkEnd } from '../streams/stream.ts';
import { problemOf, settle } from './settle.ts';
import type { Settled } from './settle.ts';
import type { UnreadRow } from '../gitlab/read-around.ts';
import { changeOf, isStanding, rowKeyOf } from './gaps.ts';
import type { StoredPage } from '../store/writer.ts';
import { storePage } from './store-page.ts';
import type { RefusedEvent } from './store-page.ts';
import { nameNewGaps } from './gap-problems.ts';
import { identityOf, readMissing } from './leaving.ts';
import { noteFound } from './restore.ts';
import { everyOne, walkKey } from './pass-state.ts';
import type { ProjectStates, PassState } from './pass-state.ts';

/** A project in the answer to a batch. */
export interface ProjectWork {
  readonly project: EventProject;
  readonly batch: BatchProject;
  /** The answer's `at` and `startedAt`. */
  readonly at: Date;
  readonly startedAt: Date | null;
}

/** Reads all streams of one project at once, and the walks of a stream one after the other. Resolves to whether no walk failed. */
export async function syncProject(pass: PassState, work: ProjectWork): Promise<boolean> {
  const states: ProjectStates = pass.states.get(work.project.id) ?? new Map();
  pass.states.set(work.project.id, states);
  const ended = await everyOne(pass.streams.map((stream) => syncStream({ pass, work, states, stream })));
  return ended.every(Boolean);
}

interface StreamWork {
  readonly pass: PassState;
  readonly work: ProjectWork;
  readonly states: ProjectStates;
  readonly stream: Stream;
}

async function syncStream(streamWork: StreamWork): Promise<boolean> {
  const { stream, work } = streamWork;
  const context = contextOf(streamWork);
  await retryGaps(streamWork, context);
  const walks = work.batch.ask.kind === 'reconcile' ? stream.reconcile : stream.changes;
  if (!walks) return true;
  let isWhole = true;
  const seen = new Set<string>();
  const noteFailure = async (scope: string, end: WalkEnd) => {
    isWhole = false;
    await savePage(streamWork, context, { scope, page: { events: [], end } });
  };
  const listed = await settle(
    (async () => {
      for await (const walk of walks(context)) {
        const walked = await settle(syncWalk(streamWork, context, walk, seen));
        if ('end' in walked) await noteFailure(walk.scope, walked.end);
      }
    })(),
  );
  if ('end' in listed) await noteFailure('', listed.end);
  if (isWhole && work.batch.ask.kind === 'reconcile') {
    const missing = await readMissing({ pass: streamWork.pass, stream, seen }, context);
    if (missing) await savePage(streamWork, context, { scope: '', page: missing });
  }
  return isWhole;
}

function contextOf({ pass, work, states, stream }: StreamWork): StreamContext {
  const { project, batch, at, startedAt } = work;
  return {
    project,
    batch,
    gitlab: pass.gitlab,
    options: pass.options,
    startedAt,
    seenAt: at,
    state: (scope) => states.get(walkKey(stream.name, scope)),
    startsWithNames: pass.gaps.breaksLists(project.id, batch.ask.kind === 'changes' ? batch.ask.since : null, stream.name),
    isWaiting: (row, scope = '') =>
      pass.gaps.isWaiting({ ...row, scope, projectId: project.id, stream: stream.name, at, isReconcile: batch.ask.kind === 'reconcile' }),
    tipOf: (branch) => pass.tips.of(project.id, branch, at),
    newestTags: pass.newestTags,
    readStored: async (eventIds) => {
      const [times, statuses] = await Promise.all([pass.store.readTimes(project.id, eventIds), pass.store.readStatuses(eventIds)]);
      return new Map([...times].flatMap(([id, timestamp]) => [[id, { timestamp, status: statuses.get(id) ?? '' }] as const]));
    },
    readInStatus: (status, by) => pass.store.readInStatus({ projectId: project.id, stream: stream.name, statuses: [status], ...by }),
    readTags: (repositoryId) => pass.store.readTags(project.id, repositoryId),
  };
}

/** A project with many gaps gets only so many tries of them in a pass. */
const mostTries = 20;

/** Tries the gaps again that are due. Each is stored before the next one is asked for. */
async function retryGaps(streamWork: StreamWork, context: StreamContext): Promise<void> {
  const { pass, work, stream } = streamWork;
  const read = stream.row?.read;
  // What the token may not see looks as if it were gone.
  if (!read || closed(work.batch.node, stream)) return;
  const place = { projectId: context.project.id, stream: stream.name, at: context.seenAt };
  const due = pass.gaps.due({ ...place, isReconcile: work.batch.ask.kind === 'reconcile' });
  for (const gap of due.slice(0, mostTries)) {
    pass.signal?.throwIfAborted();
    const answer = await settle(read(context, gap.key));
    await savePage(streamWork, context, { scope: gap.scope, page: pageOfTry(gap, answer) });
  }
}

/** What another try of a gap brought: the row, that it is gone, or why it failed again. */
function pageOfTry({ key, changedAt, breaksLists }: Gap, answer: Settled<ChangeEvent | null>): Page {
  if ('error' in answer) return { events: [], unread: [{ key, changedAt, error: answer.error, breaksLists }] };
  return answer.value ? { events: [answer.value] } : { events: [], goneKeys: [key] };
}

/** Stores a walk's pages, and adds the identities of their events to `seen`. Each page is stored, and the walk is told what that wrote, before the next page is pulled. */
async function syncWalk(streamWork: StreamWork, context: StreamContext, { scope, pages: open }: Walk, seen: Set<string>): Promise<void> {
  const pages = open();
  let stored: Stored = { inserted: 0, updated: 0 };
  try {
    for (let step = await pages.next(stored); !step.done; step = await pages.next(stored)) {
      streamWork.pass.signal?.throwIfAborted();
      for (const event of step.value.events) seen.add(identityOf(streamWork.stream, event));
      stored = await savePage(streamWork, context, { scope, page: step.value });
    }
  } finally {
    await pages.return();
  }
}

async function savePage(
  { pass, work, states, stream }: StreamWork,
  context: StreamContext,
  { scope, page }: { readonly scope: string; readonly page: Page },
): Promise<Stored> {
  const { project, seenAt } = context;
  const { progress, tags, environments, arrivals, updatesOnly, deleted, end } = page;
  const before = states.get(walkKey(stream.name, scope));
  const events = await withBeginnings(pass.store, context, { stream, events: page.events, before });
  const noted = { projectId: project.id, stream, scope, at: seenAt, outcome: before?.outcome };
  const { changes: gaps, news } = pass.gaps.note({ ...page, ...noted });
  const state = { ...stateAfter(before ?? unread(seenAt), { ...page, seenAt }), projectId: project.id, stream: stream.name, scope };
  const seen = { tags, environments, arrivals, gaps, deleted, seenAt };
  const stored = { projectId: project.id, stream: stream.name, scope, events, updatesOnly, ...seen };
  const save: SavePage = (isStateOfNews) =>
    storePage(pass.store, { ...stored, state, isStateOfNews }, (refused) => {
      const unstored = pass.gaps.note({ events: [], unread: refused.map((one) => refusedRow(stream, one)), ...noted });
      nameNewGaps(pass, { project: project.fullPath, stream: stream.name, news: unstored.news, end });
      return unstored.changes;
    });
  const { saved, after } = await saveNews(pass, { page, stored, state, before }, save);
  for (const { eventId, timestamp } of events) noteFound(pass.landmarks, eventId, timestamp);
  states.set(walkKey(stream.name, scope), after satisfies PlacedState);
  pass.tally.addPage(stream.name, { fetched: events.length, ...saved, ...(page.artifacts ? { artifacts: page.artifacts } : {}) });
  if (work.batch.ask.kind === 'reconcile') pass.tally.addCorrected(saved.inserted + saved.updated);
  nameNewGaps(pass, { project: project.fullPath, stream: stream.name, news, end });
  if (end && end.outcome !== 'ok' && !isStanding(end) && !end.byGaps) {
    pass.tally.addProblem({ project: project.fullPath, stream: stream.name, ...(scope ? { scope } : {}), ...problemOf(end) });
  }
  pass.log.debug({ project: project.fullPath, stream: stream.name, scope, fetched: events.length, progress, ...saved }, 'page stored');
  pass.progress.update();
  return saved;
}

type SavePage = (isStateOfNews: boolean) => Promise<Stored>;

interface PageToSave {
  readonly page: Page;
  readonly stored: Omit<StoredPage, 'state' | 'isStateOfNews'>;
  readonly state: PlacedState;
  readonly before: PlacedState | undefined;
}

/** Stores a page as far as it brings something. Where only the times of its walk change, they are stored with those of others. */
async function saveNews({ quiet }: PassState, { page, stored, state, before }: PageToSave, save: SavePage) {
  const isQuiet = quiet.isQuiet(state);
  const isOfNews = isQuiet || (page.isProgressOfNews === true && before !== undefined);
  const isEmpty = isQuiet && !hasContent(stored);
  const saved = isEmpty ? { inserted: 0, updated: 0 } : await save(isOfNews);
  if (!isOfNews || !isNothing(saved)) {
    quiet.noteStored(state);
    return { saved, after: state };
  }
  if (isQuiet && page.end) await quiet.take(state);
  return { saved, after: isQuiet || !before ? state : before };
}

/** Whether a page has something to store beside the state of its walk. */
const hasContent = ({ events, tags, environments, arrivals, gaps, deleted }: Omit<StoredPage, 'state'>): boolean =>
  events.length > 0 ||
  tags !== undefined ||
  environments !== undefined ||
  arrivals !== undefined ||
  (gaps !== undefined && gaps.open.length + gaps.closed.length > 0) ||
  (deleted !== undefined && deleted.length > 0);

/** A row that the database did not take. */
function refusedRow(stream: Stream, { event, error }: RefusedEvent): UnreadRow {
  const key = rowKeyOf(stream, event);
  if (key === undefined) throw error;
  return { key, changedAt: changeOf(stream, event.timestamp), error, breaksLists: false };
}

const unread = (seenAt: Date): WalkState => ({
  selection: [],
  leftOut: [],
  watermark: null,
  cursor: null,
  walkStartedAt: null,
  frontier: null,
  childrenSince: null,
  depth: null,
  backfill: null,
  outcome: 'partial',
  error: 'not read to its end yet',
  lastAttemptAt: seenAt,
  lastSuccessAt: null,
});

function stateAfter(before: WalkState, { progress, end, seenAt }: Page & { readonly seenAt: Date }): WalkState {
  const state = { ...before, ...progress, lastAttemptAt: seenAt };
  if (!end) return state;
  const { outcome, reason } = end;
  return { ...state, outcome, error: reason ?? null, lastSuccessAt: outcome === 'ok' ? seenAt : before.lastSuccessAt };
}
