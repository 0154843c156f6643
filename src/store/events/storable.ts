import { createHash } from 'node:crypto';
import { firstCharacters } from '../../events/text.ts';

/** The limit of PainChain's columns. Much longer values would not fit into an index page either. */
const eventIdLimit = 255;
const authorLimit = 255;

/** JSON that PostgreSQL accepts: without NUL, and with U+FFFD for each lone half of a surrogate pair. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON.stringify writes both as escapes, so JSON without these escapes needs no change.
  return /\\u0000|\\ud[89a-f]/i.test(json)
    ? JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? storableText(item) : item))
    : json;
}

const storableText = (text: string) => text.toWellFormed().replaceAll('\u0000', '');

/** An event id as it is stored. A longer id than 255 characters is cut and ends in a hash of the whole id, so that ids stay different. */
export function storableEventId(eventId: string): string {
  const id = storableText(eventId);
  if (id.length <= eventIdLimit) return id;
  const hash = createHash('sha256').update(id).digest('hex');
  return `${firstCharacters(id, eventIdLimit - hash.length - 1)}~${hash}`;
}

const objectHashLength = 12;

/** The event id of an object whose own id is that of another object. The same for the same object each time. */
export function distinguishedEventId(eventId: string, object: string): string {
  return storableEventId(`${eventId}~${createHash('sha256').update(object).digest('hex').slice(0, objectHashLength)}`);
}

/** A pattern of PostgreSQL for what `distinguishedEventId` adds. Names of tags, and so ids, end otherwise. */
export const distinction = `~[0-9a-f]{${objectHashLength}}$`;

/** An author as it is stored: at most 255 characters. */
export const storableAuthor = (author: string): string => firstCharacters(storableText(author), authorLimit);
