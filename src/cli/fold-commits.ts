import type { TimelineChange } from '../store/events/read-timeline.ts';

/** One line of the timeline: a change, or commits that arrived together. */
export interface TimelineLine extends Omit<TimelineChange, 'headline'> {
  readonly headline: string;
  /** By whom, and what else there is to say, such as `ada` or `by linus, of 2 days ago`. */
  readonly notes: readonly string[];
}

/** The dates of commits themselves, by `commitKey`. */
export type CommitDates = ReadonlyMap<string, string>;

/** Key of a commit's date. */
export const commitKey = ({ connectionId, eventId }: { readonly connectionId: number | null; readonly eventId: string }): string =>
  `${connectionId} ${eventId}`;

/** A commit that is this much older than its arrival says how old it is. */
const oldMs = 3_600_000;

/** Changes as lines: commits of an author that came to a branch at the same moment are one. */
export function foldCommits(changes: readonly TimelineChange[], dates: CommitDates, now: Date): TimelineLine[] {
  const groups = new Map<string, TimelineChange[]>();
  for (const [index, change] of changes.entries()) {
    const { connectionId, project, happenedAt, author } = change;
    const branch = branchOf(change);
    const key = branch === null ? String(index) : JSON.stringify([connectionId, project, happenedAt, author, branch]);
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()].flatMap((group) => {
    const last = group.at(-1);
    if (!last) return [];
    const age = ageOf(group, dates, now);
    const author = last.author === 'unknown' ? [] : [last.author];
    if (group.length === 1) return [{ ...last, notes: [...(last.headline.startsWith('merged ') ? [] : author), ...age] }];
    const by = author.map((name) => `by ${name}`);
    return [{ ...last, headline: `${group.length} commits on ${branchOf(last) ?? ''}`, notes: [...by, ...age] }];
  });
}

/** The branch to which a commit came; null for other changes. A branch's name cannot hold a colon. */
function branchOf({ stream, headline }: TimelineChange): string | null {
  return stream === 'commits' ? (/^[0-9a-f]+ on ([^:]+): /.exec(headline)?.[1] ?? null) : null;
}

/** `of 2 days ago`, `of 2 days to 5 weeks ago`; nothing for commits that were made just before they arrived. */
function ageOf(group: readonly TimelineChange[], dates: CommitDates, now: Date): string[] {
  const ages = group
    .flatMap((change) => {
      const date = dates.get(commitKey(change));
      return date !== undefined && Date.parse(change.happenedAt) - Date.parse(date) > oldMs ? [now.getTime() - Date.parse(date)] : [];
    })
    .toSorted((a, b) => a - b);
  if (ages.length === 0) return [];
  const [youngest, oldest] = [spanText(ages[0] ?? 0), spanText(ages.at(-1) ?? 0)];
  return [youngest === oldest ? `of ${oldest} ago` : `of ${youngest} to ${oldest} ago`];
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
