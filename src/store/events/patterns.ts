import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/** A text for `like` that stands for itself only. */
export const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&');

/** A pattern for `like`, in lower case, in which `*` stands for any characters. */
export const likePattern = (pattern: string): string => escapeLike(pattern.toLowerCase()).replaceAll('*', '%');

/** Whether a project's path matches a pattern, without regard to case. A pattern without `*` also matches the projects of the group with this path. */
export function pathMatches(path: RawBuilder<unknown>, pattern: string): RawBuilder<unknown> {
  const like = likePattern(pattern);
  if (pattern.includes('*')) return sql`lower(${path}) like ${like}`;
  return sql`(lower(${path}) = ${pattern.toLowerCase()} or lower(${path}) like ${`${like}/%`})`;
}

/** Whether a text matches a pattern in which `*` stands for any characters, without regard to case. */
export function matches(text: string, pattern: string): boolean {
  const parts = pattern.toLowerCase().split('*');
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  const plain = text.toLowerCase();
  if (parts.length === 1) return plain === first;
  if (!plain.startsWith(first) || !plain.endsWith(last) || plain.length < first.length + last.length) return false;
  let place = first.length;
  for (const part of parts.slice(1, -1)) {
    place = plain.indexOf(part, place);
    if (place < 0) return false;
    place += part.length;
  }
  return place <= plain.length - last.length;
}
