import type { ChangeEvent } from '../events/change-event.ts';
import type { UnreadRow } from '../gitlab/read-around.ts';
import type { PlacedGap } from '../store/progress/gaps.ts';
import type { Page, Stream, WalkEnd } from '../streams/stream.ts';
import type { Gap, GapChanges, GapKey } from '../walk-state.ts';

/** A gap is tried again after this time, so many times; then at each reconcile. */
const retryAfterMs = 10 * 60_000;
const quickTries = 4;

/** The gaps of the projects that a pass reads. */
export interface Gaps {
  /** Those of a stream of a project that are to be tried again now, the longest waiting first. */
  readonly due: (place: GapPlace) => PlacedGap[];
  /** Whether a row has a gap, has not changed since, and is not to be tried now. */
  readonly isWaiting: (place: GapPlace & Pick<Gap, 'key' | 'changedAt'> & { readonly scope?: string }) => boolean;
  /** Whether a list of a project's changes since a moment, of one stream or of any, may have a row in it that GitLab fails on. */
  readonly breaksLists: (projectId: number, since: Date | null, stream?: string) => boolean;
  /** Notes what a page shows. Returns what is to be stored, and to the gaps that are new. */
  readonly note: (page: NotedPage) => { readonly changes: GapChanges | undefined; readonly news: readonly PlacedGap[] };
  /** Gaps that were there when the pass began, and still are. */
  readonly known: () => PlacedGap[];
}

/** Where and when gaps are looked at. */
export interface GapPlace {
  readonly projectId: number;
  readonly stream: string;
  readonly at: Date;
  readonly isReconcile: boolean;
}

/** A page as far as it concerns gaps. */
export interface NotedPage extends Pick<Page, 'events' | 'unread' | 'goneKeys' | 'scopes' | 'end'> {
  readonly projectId: number;
  readonly stream: Pick<Stream, 'name' | 'row'>;
  readonly scope: string;
  readonly at: Date;
  /** The outcome of the walk before this page. */
  readonly outcome: string | undefined;
}

type GapsByKey = Map<string, PlacedGap>;

const keyOf = (projectId: number, stream: string, { scope, key }: GapKey) => JSON.stringify([projectId, stream, scope, key]);

/** The gaps that are stored when a pass begins. */
export function createGaps(stored: readonly PlacedGap[]): Gaps {
  // A pass asks for each stream of each project, and lists that the token may not read are gaps of every one of them.
  const byProject = new Map<number, GapsByKey>();
  const gapsOf = (projectId: number): GapsByKey => {
    const known = byProject.get(projectId) ?? new Map<string, PlacedGap>();
    byProject.set(projectId, known);
    return known;
  };
  const before = new Map(stored.map((gap) => [keyOf(gap.projectId, gap.stream, gap), gap]));
  for (const [place, gap] of before) gapsOf(gap.projectId).set(place, gap);
  const news = new Set<string>();
  /** Tried in this pass. */
  const tried = new Set<string>();
  const isDue = (gap: PlacedGap, { at, isReconcile }: GapPlace) => {
    if (tried.has(keyOf(gap.projectId, gap.stream, gap))) return false;
    return isReconcile || (gap.tries < quickTries && Math.abs(at.getTime() - gap.lastTriedAt.getTime()) >= retryAfterMs);
  };
  return {
    due: (place) =>
      [...gapsOf(place.projectId).values()]
        .filter((gap) => gap.stream === place.stream && gap.key !== '' && isDue(gap, place))
        .toSorted((a, b) => a.lastTriedAt.getTime() - b.lastTriedAt.getTime()),
    isWaiting: ({ key, changedAt, scope = '', ...place }) => {
      const gap = gapsOf(place.projectId).get(keyOf(place.projectId, place.stream, { scope, key }));
      return gap !== undefined && gap.changedAt?.getTime() === changedAt?.getTime() && !isDue(gap, place);
    },
    breaksLists: (projectId, since, stream) =>
      [...gapsOf(projectId).values()].some(
        (gap) => gap.breaksLists && (stream === undefined || gap.stream === stream) && (!since || !gap.changedAt || gap.changedAt >= since),
      ),
    note: (page) => {
      const { projectId, stream } = page;
      const gaps = gapsOf(projectId);
      const { open, closed } = changesOf(page, gaps);
      const placed = open.map((gap) => ({ ...gap, projectId, stream: stream.name }));
      const fresh = placed.filter((gap) => {
        const place = keyOf(projectId, stream.name, gap);
        const known = before.get(place);
        // Nothing of the row is stored now where something was: it has become worse.
        const isNew = (!known || (gap.isMissing && !known.isMissing) || isWorse(page, gap)) && !news.has(place);
        if (isNew) news.add(place);
        return isNew;
      });
      for (const gap of closed) gaps.delete(keyOf(projectId, stream.name, gap));
      for (const gap of placed) {
        gaps.set(keyOf(projectId, stream.name, gap), gap);
        tried.add(keyOf(projectId, stream.name, gap));
      }
      return { changes: open.length + closed.length > 0 ? { open, closed } : undefined, news: fresh };
    },
    known: () => [...before].flatMap(([place, { projectId }]) => (news.has(place) ? [] : (gapsOf(projectId).get(place) ?? []))),
  };
}

const isWorse = ({ end, outcome }: NotedPage, { key }: Gap) => key === '' && end?.outcome !== outcome;

/** `gaps`: of the page's project. */
function changesOf(page: NotedPage, gaps: GapsByKey): GapChanges {
  const { projectId, stream, at, end, unread = [], goneKeys = [], scopes } = page;
  const scope = stream.row?.isOfScope ? page.scope : '';
  const known = (key: string, place = scope) => gaps.get(keyOf(projectId, stream.name, { scope: place, key }));
  const gapOf = (key: string, facts: Facts, place = scope): Gap => {
    const former = known(key, place);
    const isSame = former?.changedAt?.getTime() === facts.changedAt?.getTime();
    return { ...facts, scope: place, key, since: former?.since ?? at, lastTriedAt: at, tries: isSame ? (former?.tries ?? 0) + 1 : 1 };
  };
  const rows = page.events.flatMap((event) => {
    const key = rowKeyOf(stream, event);
    return key === undefined ? [] : [{ key, event }];
  });
  const open = [
    ...unread.map((row) => gapOf(row.key, unreadGap(row))),
    ...rows.flatMap(({ key, event }) => (event.unknown ? [gapOf(key, incompleteGap(stream, event))] : [])),
    ...(end && isStanding(end) ? [gapOf('', endGap(end), page.scope)] : []),
  ];
  const closed = [
    ...rows.flatMap(({ key, event }) => (!event.unknown && known(key) ? [{ scope, key }] : [])),
    ...(scopes ? [...gaps.values()].filter((gap) => gap.stream === stream.name && gap.scope !== '' && !scopes.includes(gap.scope)) : []),
    ...goneKeys.flatMap((key) => (known(key) ? [{ scope, key }] : [])),
    ...(end && !isStanding(end) && end.outcome !== 'failed' && known('', page.scope) ? [{ scope: page.scope, key: '' }] : []),
  ];
  return { open, closed };
}

/** What a walk ends with for as long as nobody changes rights or settings. */
export const isStanding = ({ outcome, byLimit, byGaps }: WalkEnd): boolean =>
  outcome === 'forbidden' || (outcome === 'partial' && !byLimit && !byGaps);

/** What names a row in its stream, of an event of it. */
export function rowKeyOf({ row }: Pick<Stream, 'row'>, { metadata }: ChangeEvent): string | undefined {
  const value = row && metadata[row.key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

type Facts = Omit<Gap, 'scope' | 'key' | 'since' | 'lastTriedAt' | 'tries'>;

const unreadGap = ({ changedAt, error, breaksLists = true }: UnreadRow): Facts => ({
  changedAt: validDate(changedAt),
  isMissing: true,
  breaksLists,
  reason: error.message,
  errorCode: error.code,
});

const incompleteGap = (stream: NotedPage['stream'], { unknown, timestamp }: ChangeEvent): Facts => ({
  changedAt: changeOf(stream, timestamp),
  isMissing: false,
  breaksLists: unknown?.breaksLists === true,
  reason: `GitLab could not answer ${[...(unknown?.metadata ?? []), ...(unknown?.description ?? []), ...(unknown?.isAuthor ? ['author'] : [])].join(', ')}`,
  errorCode: null,
});

const endGap = ({ reason = '', errorCode }: WalkEnd): Facts => ({
  changedAt: null,
  isMissing: false,
  breaksLists: false,
  reason,
  errorCode: errorCode ?? null,
});

/** When a row changed, as far as its lists say it. */
export const changeOf = ({ row }: Pick<Stream, 'row'>, timestamp: Date | null): Date | null => (row?.isDated ? validDate(timestamp) : null);

const validDate = (date: Date | null): Date | null => (date && !Number.isNaN(date.getTime()) ? date : null);
