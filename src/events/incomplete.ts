import type { Salvaged } from '../gitlab/salvage.ts';
import type { ChangeEvent } from './change-event.ts';

/** What of an event a field of GitLab gives: keys of `metadata` and of `description`, and the author. */
export interface FieldUse {
  readonly metadata?: readonly string[];
  readonly description?: readonly string[];
  readonly isAuthor?: true;
}

/**
 * An event of a row of which GitLab could not answer some fields. What they give is unknown, which is neither empty nor zero: null, and
 * named in `metadata.incomplete`. The store keeps what it knows already.
 */
export function withUnknown(
  event: ChangeEvent,
  { unknownFields: fields, breaksLists }: Salvaged,
  uses: Readonly<Record<string, FieldUse>>,
): ChangeEvent {
  if (!fields || fields.length === 0) return event;
  const used = fields.map((field): FieldUse => uses[field] ?? { metadata: [snakeCase(field)] });
  const metadata = used.flatMap((use) => use.metadata ?? []).filter((key) => key in event.metadata);
  const description = used.flatMap((use) => use.description ?? []);
  const author = used.some(({ isAuthor }) => isAuthor) ? ['author'] : [];
  const nulls = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, null]));
  return {
    ...event,
    description: { ...event.description, ...nulls(description) },
    metadata: { ...event.metadata, ...nulls(metadata), incomplete: [...new Set([...metadata, ...description, ...author])].toSorted() },
    unknown: { metadata, description, isAuthor: author.length > 0, ...(breaksLists ? { breaksLists } : {}) },
  };
}

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
