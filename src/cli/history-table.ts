import type { Json } from '../events/change-event.ts';
import type { EventVersion } from '../store/events/read-events.ts';
import { tableOf } from './table.ts';

const whenWidth = 21;
const statusWidth = 11;
const borders = 5;
/** Longer values are cut to this many characters. */
const valueLength = 120;

/** The versions of an event as a table: when the change happened in GitLab, when the connector read it, the status, what changed. */
export function historyTable(versions: readonly EventVersion[], width: number): string {
  return tableOf({
    head: ['happened (UTC)', 'seen (UTC)', 'status', 'what changed'],
    widths: [whenWidth, whenWidth, statusWidth, Math.max(30, width - 2 * whenWidth - statusWidth - borders)],
    rows: versions.map(({ happenedAt, seenAt, status, changes }) => [
      happenedAt.slice(0, 19).replace('T', ' '),
      seenAt.slice(0, 19).replace('T', ' '),
      status,
      changes ? changesOf(changes) : 'first seen',
    ]),
  });
}

const changesOf = (changes: NonNullable<EventVersion['changes']>) =>
  Object.entries(changes)
    .map(([field, change]) => `${field}: ${textOf(change.old)} → ${textOf(change.new)}`)
    .join('; ');

function textOf(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > valueLength ? `${text.slice(0, valueLength)}…` : text === '' ? '(empty)' : text;
}
