import type { Json } from '../events/change-event.ts';
import type { EventVersion } from '../store/events/read-events.ts';
import { fittedTable } from './fitted-table.ts';
import { utc } from './window.ts';
import type { ShownZone } from './window.ts';

/** Longer values are cut to this many characters. */
const valueLength = 120;

/** The versions of an event as a table: when the change happened in GitLab, when the connector read it, the status, what changed. */
export function historyTable(versions: readonly EventVersion[], width: number, zone: ShownZone = utc): string {
  return fittedTable(
    [
      { head: `happened (${zone.zoneName})`, cells: versions.map(({ happenedAt }) => zone.shown(happenedAt, 'second')) },
      { head: `seen (${zone.zoneName})`, cells: versions.map(({ seenAt }) => zone.shown(seenAt, 'second')) },
      { head: 'status', cells: versions.map(({ status }) => status) },
      { head: 'what changed', cells: versions.map(({ changes }) => (changes ? changesOf(changes) : 'first seen')), fit: 'wrap' },
    ],
    width,
  );
}

const changesOf = (changes: NonNullable<EventVersion['changes']>) =>
  Object.entries(changes)
    .map(([field, change]) => `${field}: ${textOf(change.old)} → ${textOf(change.new)}`)
    .join('; ');

function textOf(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > valueLength ? `${text.slice(0, valueLength)}…` : text === '' ? '(empty)' : text;
}
