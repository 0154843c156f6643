/** Author of events for which GitLab names no author, as in PainChain's first connector. */
export const unknownAuthor = 'unknown';

/** Longest text that is kept whole, in characters: GitLab's own limit for descriptions. */
export const textLimit = 1_048_576;

/** Cuts a text to `textLimit` characters. `truncated` says whether the text was longer. */
export function boundedText(text: string | null | undefined): { readonly text: string; readonly truncated: boolean } {
  const whole = text ?? '';
  return whole.length <= textLimit ? { text: whole, truncated: false } : { text: firstCharacters(whole, textLimit), truncated: true };
}

/** The first `count` characters of a text. A surrogate pair counts as one character and is never split. */
export function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let taken = 0; taken < count && end < text.length; taken++) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}

/** The nodes of a connection without null nodes. */
export function presentNodes<T>(connection: { readonly nodes: ReadonlyArray<T | null> | null } | null | undefined): T[] {
  return (connection?.nodes ?? []).filter((node) => node !== null);
}
