import type { ChangeEvent } from '../events/change-event.ts';
import type { EventProject } from '../events/event-project.ts';
import type { BatchProject } from '../gitlab/batch.ts';
import type { Gitlab } from '../gitlab/client.ts';

/** How reading a stream of a project ended. Forbidden is never empty. */
export type Outcome = 'ok' | 'partial' | 'disabled' | 'forbidden' | 'gone' | 'failed';

/** The settings that streams obey. */
export interface StreamOptions {
  /** Empty = every branch, and no commits. */
  readonly branches: readonly string[];
  /** How many of each walk to read, newest first. Infinity = all. */
  readonly limit: number;
  /** How many tags of a container repository to read. Infinity = all. */
  readonly tagLimit: number;
}

/** What a stream reads one project with. */
export interface StreamContext {
  readonly project: EventProject;
  readonly gitlab: Gitlab;
  /** What came with the batch: the project's switches, and the first page of each stream. */
  readonly batch: BatchProject;
  readonly options: StreamOptions;
  /** GitLab's clock when it answered the batch, less the overlap; null when unknown. */
  readonly watermark: Date | null;
  /** When the batch was answered, by GitLab's clock where it is known. */
  readonly seenAt: Date;
}

/** Where a walk has come to, stored with the page that it describes. Absent fields stay as they are stored. */
export interface Progress {
  readonly watermark?: Date | null;
  readonly cursor?: string | null;
  readonly frontier?: string | null;
}

/** How a walk ended, said by its last page. */
export interface WalkEnd {
  readonly outcome: Outcome;
  /** One line, for every outcome but `ok`. */
  readonly reason?: string;
  /** The rest was left out because a setting says so: nothing is wrong. */
  readonly byLimit?: true;
}

/** A page: its events and its progress are stored in one transaction. The last page of a walk has an `end`. */
export interface Page {
  readonly events: readonly ChangeEvent[];
  readonly progress?: Progress;
  readonly end?: WalkEnd;
}

/** A list that is read from its beginning to its end, page by page. */
export interface Walk {
  /** A branch or a container repository where the stream has several walks; else empty. */
  readonly scope: string;
  readonly pages: () => AsyncIterable<Page>;
}

/** One kind of change. Adding one: a query fragment, a mapper, a stream file, a line in index.ts, a fixture with its test. */
export interface Stream {
  readonly name: string;
  /** For people, in the plural. */
  readonly label: string;
  /** The word in its events' titles: `[MR] …`. */
  readonly type: string;
  /** The walks of one project, one after the other. Empty when the settings leave the stream out. */
  readonly walks: (context: StreamContext) => Iterable<Walk> | AsyncIterable<Walk>;
}

/** A last page that says only how it ended. */
export const endPage = (end: WalkEnd, progress?: Progress): Page => ({ events: [], end, ...(progress ? { progress } : {}) });
