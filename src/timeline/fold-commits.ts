import type { TimelineChange } from '../store/events/read-timeline.ts';

/** One line of the timeline: a change, or commits that arrived together. */
export interface TimelineLine {
  readonly headline: string;
  /** Null = unknown. */
  readonly author: string | null;
  /** How old commits were when they arrived, such as `of 2 days ago`; null for those that had just been made, and for other changes. */
  readonly age: string | null;
  /** In order; more than one only for commits that arrived together. */
  readonly changes: readonly [TimelineChange, ...TimelineChange[]];
}

/** The dates of commits themselves, by `commitKey`. */
export type CommitDates = ReadonlyMap<string, string>;

/** Key of a commit's date. */
export const commitKey = ({ connectionId, eventId }: { readonly connectionId: number | null; readonly eventId: string }): string =>
  `${connectionId} ${eventId}`;

/** A commit that is this much older than its arrival says how old it is. */
const oldMs = 3_600_000;

/** Changes as lines: commits of an author that came to a branch at the same moment are one. */
export function foldCommits(changes: readonly TimelineChange[], dates: CommitDates): TimelineLine[] {
  const groups = new Map<string, [TimelineChange, ...TimelineChange[]]>();
  for (const [index, change] of changes.entries()) {
    const { connectionId, project, happenedAt, author } = change;
    const branch = branchOf(change);
    const key = branch === null ? String(index) : JSON.stringify([connectionId, project, happenedAt, author, branch]);
    const group = groups.get(key);
    if (group) group.push(change);
    else groups.set(key, [change]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    const headline = group.length === 1 ? first.headline : `${group.length} commits on ${branchOf(first) ?? ''}`;
    return { changes: group, headline, author: first.author === 'unknown' ? null : first.author, age: ageOf(group, dates) };
  });
}

/** A line in words, such as `3 commits on main (by linus, of 2 days ago)`. `withAuthor`: a single change names its author too. */
export function lineText({ headline, changes, author, age }: TimelineLine, { withAuthor }: { readonly withAuthor: boolean }): string {
  const isNamed = withAuthor && !headline.startsWith('merged ');
  const by = author === null ? null : changes.length > 1 ? `by ${author}` : isNamed ? author : null;
  const notes = [by, age].filter((note) => note !== null);
  return `${headline}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

/** A change that arrived this much later than it happened says when. */
const lateMs = 10 * 60_000;

/** Whether a change was noticed long after it happened, because a pass was late. What is known from history is not late. */
export const isLate = ({ happenedAt, arrivedAt, isHistory }: TimelineChange): boolean =>
  !isHistory && Date.parse(arrivedAt) - Date.parse(happenedAt) > lateMs;

/** The branch to which a commit came; null for other changes. A branch's name cannot hold a colon. */
function branchOf({ stream, headline, changes }: TimelineChange): string | null {
  return stream === 'commits' && changes === null ? (/^[0-9a-f]+ on ([^:]+): /.exec(headline)?.[1] ?? null) : null;
}

/** How old commits were when they arrived: `of 2 days ago`, `of 2 days to 5 weeks ago`; null for commits that were made just before they arrived. */
function ageOf(group: readonly TimelineChange[], dates: CommitDates): string | null {
  const ages = group
    .map((change) => Date.parse(change.happenedAt) - Date.parse(dates.get(commitKey(change)) ?? change.happenedAt))
    .filter((age) => age > oldMs)
    .toSorted((a, b) => a - b);
  if (ages.length === 0) return null;
  const [youngest, oldest] = [spanText(ages[0] ?? 0), spanText(ages.at(-1) ?? 0)];
  return youngest === oldest ? `of ${oldest} ago` : `of ${youngest} to ${oldest} ago`;
}

const units = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
] as const;

function spanText(spanMs: number): string {
  const [unit, unitMs] = units.find(([, ms]) => spanMs >= 2 * ms) ?? units.find(([, ms]) => spanMs >= ms) ?? (['hour', 3_600_000] as const);
  const count = Math.max(1, Math.floor(spanMs / unitMs));
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
