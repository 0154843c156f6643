import type { KnownProject, LockedStore } from '../store/store.ts';
import type { Landmark, LandmarkQuery } from '../store/progress/landmarks.ts';
import { streams } from '../streams/index.ts';
import type { Stream } from '../streams/stream.ts';
import { settle } from './settle.ts';
import type { PassState } from './pass-state.ts';

const keysOf = (some: readonly Stream[]): LandmarkQuery['keys'] =>
  Object.fromEntries(some.flatMap(({ name, landmark }) => (landmark ? [[name, landmark.key]] : [])));

/** What a pass begins with. */
export interface Beginning {
  readonly projects: readonly KnownProject[];
  readonly landmarks: Landmarks;
  /** Projects whose walks begin again. */
  readonly rewound: readonly number[];
}

/** The known projects and the landmarks. Where GitLab was restored from a backup since projects were read, their walks begin again. */
export async function begin(store: LockedStore, read: readonly Stream[], projectIds?: readonly number[]): Promise<Beginning> {
  const projects = await store.readProjects(projectIds);
  const due = projects.filter(({ isRewindDue }) => isRewindDue).map(({ id }) => id);
  if (due.length === 0) return { projects, landmarks: await takeLandmarks(store, read, projectIds), rewound: [] };
  await store.rewind({ projectIds: due, streams: Object.keys(keysOf(streams)) });
  // What is stored is known to be later than what GitLab has.
  return { projects: await store.readProjects(projectIds), landmarks: landmarksOf([], projectIds), rewound: due };
}

/** The rows that changed last, and what a pass has found of them in GitLab's lists. */
export interface Landmarks {
  readonly all: ReadonlyMap<string, Landmark>;
  /** Event ids of those that were not found yet, or that GitLab dates earlier. */
  readonly missing: Set<string>;
  /** Those that GitLab has as they were. */
  readonly same: Landmark[];
  readonly projectIds: readonly number[] | undefined;
}

async function takeLandmarks(store: LockedStore, read: readonly Stream[], projectIds?: readonly number[]): Promise<Landmarks> {
  return landmarksOf(await store.takeLandmarks({ keys: keysOf(read), projectIds }), projectIds);
}

function landmarksOf(landmarks: readonly Landmark[], projectIds: readonly number[] | undefined): Landmarks {
  const all = new Map(landmarks.map((landmark) => [landmark.eventId, landmark]));
  return { all, missing: new Set(all.keys()), same: [], projectIds };
}

/** Notes that GitLab has a row. A landmark that GitLab dates earlier stays missing. */
export function noteFound({ all, missing, same }: Landmarks, eventId: string, changedAt: Date | null): void {
  const landmark = all.get(eventId);
  if (!landmark || !changedAt || changedAt < landmark.changedAt || !missing.delete(eventId)) return;
  // A row that has changed since may have done so after a restore, or be another row under the same number.
  if (changedAt.getTime() === landmark.changedAt.getTime()) same.push(landmark);
}

/**
 * Whether a row cannot have gone back. GitLab has another row as it was, which had changed later and was stored earlier: a restore
 * since then leads to a moment after that change.
 */
const isSafe = (row: Pick<Landmark, 'changedAt' | 'storedBefore'>, same: readonly Landmark[]): boolean =>
  same.some(({ changedAt, storedBefore }) => changedAt >= row.changedAt && storedBefore <= row.storedBefore);

/** So often older rows are asked for, while none of them says whether GitLab was restored. */
const mostRounds = 5;

/**
 * Notices that a GitLab was restored from a backup: it dates one of the rows that changed last earlier than it did. A pass finds most
 * landmarks in its lists. One that is missing there is asked for. A row that GitLab no longer has, or that has changed since, says
 * nothing of the others; while there is no more than that, the rows that changed before are asked for, down to the first that GitLab
 * has as it was. After a restore every project of the connection is read again, by the next pass.
 */
export async function noticeRestore(pass: PassState): Promise<void> {
  const { landmarks, store, rewound } = pass;
  if (rewound.length > 0) return store.endRewind(rewound);
  const { all, missing, projectIds } = landmarks;
  const byChange = [...all.values()].toSorted((a, b) => b.changedAt.getTime() - a.changedAt.getTime());
  const same = [...landmarks.same];
  let rows: readonly Landmark[] = byChange;
  for (let round = 0; round < mostRounds && rows.length > 0; round++) {
    for (const row of rows) {
      if ((round === 0 && !missing.has(row.eventId)) || isSafe(row, same)) continue;
      const changedAt = await changedNow(pass, row);
      if (changedAt === 'unknown') return;
      if (changedAt !== null && changedAt < row.changedAt) return nameRestore(pass, row, changedAt);
      if (changedAt?.getTime() === row.changedAt.getTime()) same.push(row);
    }
    const oldest = rows.at(-1);
    const storedBefore = new Date(Math.min(...rows.map((row) => row.storedBefore.getTime())));
    const isDone = !oldest || isSafe({ changedAt: new Date(0), storedBefore }, same);
    rows = isDone ? [] : await store.readLandmarksBefore({ keys: keysOf(pass.streams), projectIds, before: oldest.changedAt });
  }
  if (missing.size > 0) await store.unlistLandmarks([...missing]);
  if (all.size > 0) await store.clearLandmarks(projectIds);
}

/** When GitLab changed a row last; null when GitLab does not have it, `unknown` when GitLab cannot be asked now. */
async function changedNow({ gitlab }: PassState, row: Landmark): Promise<Date | null | 'unknown'> {
  const { landmark } = streams.find(({ name }) => name === row.stream) ?? {};
  if (!landmark) return null;
  const seen = await settle(landmark.changedAt(gitlab, row));
  if ('end' in seen) return seen.end.outcome === 'failed' ? 'unknown' : null;
  return seen.value;
}

async function nameRestore({ store, tally, config, known }: PassState, row: Landmark, changedAt: Date): Promise<void> {
  await store.markRewindDue();
  const project = known.get(row.projectId)?.fullPath ?? `project ${row.projectId}`;
  const label = streams.find(({ name }) => name === row.stream)?.label;
  const times = `changed at ${row.changedAt.toISOString()} when it was last read, and at ${changedAt.toISOString()} now`;
  const reason = `this GitLab was restored from a backup: number ${row.iid} of the ${label} of ${project} ${times}; the next pass reads again everything that is stored`;
  tally.addProblem({ project: config.url, outcome: 'partial', reason, expected: false });
}
