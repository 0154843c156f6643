import { createHash } from 'node:crypto';
import { firstCharacters } from '../../events/text.ts';

/** PainChain's columns hold so many characters; longer values would also not fit into an index page. */
const eventIdLimit = 255;
const authorLimit = 255;

/** JSON that PostgreSQL takes: NUL is left out, a lone half of a surrogate pair becomes U+FFFD. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON.stringify writes both as escapes, so a text without these escapes needs no second look.
  return /\\u0000|\\ud[89a-f]/i.test(json)
    ? JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? storableText(item) : item))
    : json;
}

const storableText = (text: string) => text.toWellFormed().replaceAll('\u0000', '');

/** An event id as it is stored: ids over 255 characters end in a hash of the whole instead, so they stay apart. */
export function storableEventId(eventId: string): string {
  const id = storableText(eventId);
  if (id.length <= eventIdLimit) return id;
  const hash = createHash('sha256').update(id).digest('hex');
  return `${firstCharacters(id, eventIdLimit - hash.length - 1)}~${hash}`;
}

/** An author as it is stored: at most 255 characters. */
export const storableAuthor = (author: string): string => firstCharacters(storableText(author), authorLimit);
