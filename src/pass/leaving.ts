import type { ChangeEvent } from '../events/change-event.ts';
import { closed } from '../streams/access.ts';
import type { Page, Stream, StreamContext } from '../streams/stream.ts';
import { settle } from './settle.ts';
import type { PassState } from './pass-state.ts';

/** So many rows are asked for again in a reconcile of a stream of a project at the most. */
const mostRows = 100;

interface Read {
  readonly pass: PassState;
  readonly stream: Stream;
  /** The identities of what a reconcile has read of the stream. */
  readonly seen: ReadonlySet<string>;
}

/**
 * Asks for rows by name that are stored as open, running or published, and that a complete reading of their list did not find: they were
 * retargeted or ended, or GitLab has them no more. Null when there are none. A failure proves nothing of a row: it stays as it is.
 */
export async function readMissing({ pass, stream, seen }: Read, context: StreamContext): Promise<Page | null> {
  const { leaving, row } = stream;
  if (!leaving || !row || closed(context.batch.node, stream)) return null;
  const { id: projectId } = context.project;
  const { statuses, identity = row.key } = leaving;
  const stored = await pass.store.readInStatus({ projectId, stream: stream.name, statuses, key: row.key, identity });
  const missing = stored.filter((one) => !seen.has(one.identity) && (leaving.isExpected?.(one, context) ?? true)).slice(0, mostRows);
  if (missing.length === 0) return null;
  const answer = await settle(
    leaving.read(
      context,
      missing.map(({ key }) => key),
    ),
  );
  if ('end' in answer) return null;
  const events = [...answer.value.values()].filter((event) => event !== null);
  const there = new Set(events.map((event) => identityOf(stream, event)));
  // After a restored backup another row may have its number.
  const gone = missing.filter(({ key, identity: name }) => answer.value.has(key) && !there.has(name));
  const deleted = gone.length > 0 && (await isShown(stream, context)) ? gone.map(({ eventId }) => eventId) : [];
  return events.length + deleted.length === 0 ? null : { events, updatesOnly: true, deleted };
}

/** Whether GitLab shows this token rows of the list: one that is missing is then gone, and not out of sight. */
async function isShown({ leaving }: Stream, context: StreamContext): Promise<boolean> {
  const shown = leaving ? await settle(leaving.isShown(context)) : null;
  return shown !== null && !('end' in shown) && shown.value;
}

/** What tells an event from every other one of its stream, as PostgreSQL shows a text or a number of a JSON object. */
export function identityOf({ leaving, row }: Stream, { metadata }: ChangeEvent): string {
  const value = metadata[leaving?.identity ?? row?.key ?? ''] ?? null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
