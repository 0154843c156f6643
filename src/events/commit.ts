import type { RestCommit } from '../gitlab/rest.ts';
import type { ChangeEvent } from './change-event.ts';
import type { FieldUse } from './incomplete.ts';
import type { EventProject } from './event-project.ts';
import { shaKeys } from './link-keys.ts';
import { boundedText, firstCharacters, unknownAuthor } from './text.ts';

/** How many characters of a commit's title go into the event's title, as in PainChain's first connector. */
const titleLimit = 100;

/** What the fields of a commit give, where the name does not say it. */
export const commitFields: Readonly<Record<string, FieldUse>> = { stats: { metadata: ['additions', 'deletions', 'total_changes'] } };

/** A commit with its stats as an event: `[Commit] {title}`. `branch` is the branch on which the commit was first found. */
export function commitToEvent(commit: RestCommit, branch: string, project: EventProject): ChangeEvent {
  const { text, truncated } = boundedText(commit.message);
  return {
    eventId: `commit-${project.eventPath}-${commit.id}`,
    title: `[Commit] ${firstCharacters(commit.title, titleLimit)}`,
    description: { text, labels: [], files_changed: [], related_events: [] },
    author: commit.author_name || unknownAuthor,
    timestamp: new Date(commit.committed_date),
    url: `${project.webUrl}/-/commit/${commit.id}`,
    status: 'committed',
    metadata: {
      project: project.fullPath,
      branch,
      sha: commit.id,
      additions: commit.stats?.additions ?? 0,
      deletions: commit.stats?.deletions ?? 0,
      total_changes: commit.stats?.total ?? 0,
      authored_at: commit.authored_date ?? null,
      parent_shas: commit.parent_ids ?? [],
      truncated,
    },
    linkKeys: shaKeys(commit.id),
    keep: ['branch'],
  };
}
