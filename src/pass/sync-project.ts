import type { EventProject } from '../events/event-project.ts';
import type { BatchProject } from '../gitlab/batch.ts';
import type { WalkState } from '../walk-state.ts';
import type { PlacedState } from '../store/progress/save-progress.ts';
import { streams } from '../streams/index.ts';
import type { Page, Stored, Stream, StreamContext, Walk, WalkEnd } from '../streams/stream.ts';
import { problemOf, settle } from './settle.ts';
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
  const ended = await everyOne(streams.map((stream) => syncStream({ pass, work, states, stream })));
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
  const walks = work.batch.ask.kind === 'reconcile' ? stream.reconcile : stream.changes;
  if (!walks) return true;
  let isWhole = true;
  const noteFailure = async (scope: string, end: WalkEnd) => {
    isWhole = false;
    await savePage(streamWork, context, { scope, page: { events: [], end } });
  };
  const listed = await settle(
    (async () => {
      for await (const walk of walks(context)) {
        const walked = await settle(syncWalk(streamWork, context, walk));
        if ('end' in walked) await noteFailure(walk.scope, walked.end);
      }
    })(),
  );
  if ('end' in listed) await noteFailure('', listed.end);
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
    readTags: (repositoryId) => pass.store.readTags(project.id, repositoryId),
  };
}

/** Stores a walk's pages. Each page is stored, and the walk is told what that wrote, before the next page is pulled. */
async function syncWalk(streamWork: StreamWork, context: StreamContext, { scope, pages: open }: Walk): Promise<void> {
  const pages = open();
  let stored: Stored = { inserted: 0, updated: 0 };
  try {
    for (let step = await pages.next(stored); !step.done; step = await pages.next(stored)) {
      streamWork.pass.signal?.throwIfAborted();
      stored = await savePage(streamWork, context, { scope, page: step.value });
    }
  } finally {
    await pages.return();
  }
}

async function savePage(
  { pass, work, states, stream }: StreamWork,
  { project, seenAt }: StreamContext,
  { scope, page }: { readonly scope: string; readonly page: Page },
): Promise<Stored> {
  const { events, progress, tags, updatesOnly, end } = page;
  const before = states.get(walkKey(stream.name, scope));
  const state = { ...stateAfter(before ?? unread(seenAt), { ...page, seenAt }), projectId: project.id, stream: stream.name, scope };
  const saved = await pass.store.savePage({ projectId: project.id, stream: stream.name, scope, events, state, tags, updatesOnly, seenAt });
  for (const { eventId, timestamp } of events) noteFound(pass.landmarks, eventId, timestamp);
  states.set(walkKey(stream.name, scope), state satisfies PlacedState);
  pass.tally.addPage(stream.name, { fetched: events.length, ...saved });
  if (work.batch.ask.kind === 'reconcile') pass.tally.addCorrected(saved.inserted + saved.updated);
  const incomplete = events.filter(({ unknown }) => unknown !== undefined);
  const [first] = incomplete;
  if (first) {
    const more = incomplete.length > 1 ? ` and ${incomplete.length - 1} more` : '';
    const reason = `GitLab could not answer all of ${first.eventId}${more} (metadata.incomplete names what is unknown)`;
    pass.tally.addProblem({ project: project.fullPath, stream: stream.name, outcome: 'partial', reason, expected: false });
  }
  if (end && end.outcome !== 'ok') {
    pass.tally.addProblem({ project: project.fullPath, stream: stream.name, ...(scope ? { scope } : {}), ...problemOf(end) });
  }
  pass.log.debug({ project: project.fullPath, stream: stream.name, scope, fetched: events.length, progress, ...saved }, 'page stored');
  pass.progress.update();
  return saved;
}

const unread = (seenAt: Date): WalkState => ({
  selection: [],
  leftOut: [],
  watermark: null,
  cursor: null,
  walkStartedAt: null,
  frontier: null,
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
