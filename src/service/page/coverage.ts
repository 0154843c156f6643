import { isRead } from '../../store/progress/read-coverage.ts';
import type { CoverageEntry } from '../../store/progress/read-coverage.ts';
import { prunedText } from '../../timeline/pruned-text.ts';
import { unreadText } from '../../timeline/unread-text.ts';
import { countText, spanText } from './times.ts';
import type { Clockface } from './times.ts';

/** How far GitLab was read, in words. */
export interface CoverageWords {
  /** Such as `all 12 projects read 21 s ago · 2 gaps`. */
  readonly summary: string;
  /** One line for each stream that was not read. */
  readonly lines: readonly string[];
  readonly isComplete: boolean;
}

/** Says how far projects were read. `from`: the beginning of the window. */
export function coverageWords(
  entries: readonly CoverageEntry[],
  { now, from, clock }: { readonly now: Date; readonly from: Date; readonly clock: Clockface },
): CoverageWords {
  if (entries.length === 0) return { summary: 'no project was read yet', lines: [], isComplete: false };
  const behind = entries.filter((entry) => !isRead(entry));
  const projects = new Set(entries.map(keyOf));
  const projectsBehind = new Set(behind.map(keyOf));
  const oldest = oldestOf(entries.filter(isRead));
  const gaps = entries.reduce((sum, entry) => sum + entry.gaps, 0);
  const whole = projects.size - projectsBehind.size;
  const which =
    projectsBehind.size === 0
      ? projects.size === 1
        ? 'the project'
        : `all ${countText(projects.size, 'project')}`
      : `${whole} of ${countText(projects.size, 'project')}`;
  const age = oldest === null || whole === 0 ? 'not read completely' : `read ${spanText(now.getTime() - oldest)} ago`;
  const pruned = prunedText(entries, from, clock.full);
  return {
    summary: `${which} ${age}${gaps === 0 ? '' : ` · ${countText(gaps, 'gap')}`}${pruned === null ? '' : ` · ${pruned}`}`,
    lines: behind.map((entry) => unreadText(entry, clock.full)),
    isComplete: behind.length === 0,
  };
}

/** Until when everything was read, in milliseconds, by path of the project; null = never. */
export function readUntilByProject(entries: readonly CoverageEntry[]): ReadonlyMap<string, number | null> {
  const byProject = new Map<string, number | null>();
  for (const { project, readUntil } of entries) {
    const before = byProject.get(project);
    const until = readUntil === null ? null : Date.parse(readUntil);
    byProject.set(project, before === undefined ? until : before === null || until === null ? null : Math.min(before, until));
  }
  return byProject;
}

/** The earliest `readUntil`, in milliseconds; null when nothing was read. */
export function oldestOf(entries: readonly CoverageEntry[]): number | null {
  const times = entries.flatMap(({ readUntil }) => (readUntil === null ? [] : [Date.parse(readUntil)]));
  return times.length === 0 ? null : Math.min(...times);
}

const keyOf = ({ connectionId, project }: CoverageEntry) => `${connectionId} ${project}`;
