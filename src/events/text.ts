/** Author of things whose author GitLab does not name, as PainChain's table has it. */
export const unknownAuthor = 'unknown';

/** Longest text that is kept whole, in characters: GitLab's own limit for descriptions. */
export const textLimit = 1_048_576;

/** Cuts a text to `textLimit` characters; `truncated` says whether that took something away. */
export function boundedText(text: string | null | undefined): { readonly text: string; readonly truncated: boolean } {
  const whole = text ?? '';
  return whole.length <= textLimit ? { text: whole, truncated: false } : { text: firstCharacters(whole, textLimit), truncated: true };
}

/** The first `count` characters of a text; a character outside the basic plane is one, and is never cut in two. */
export function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let taken = 0; taken < count && end < text.length; taken++) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}

/** The nodes of a connection without the ones that GitLab left out. */
export function presentNodes<T>(connection: { readonly nodes: ReadonlyArray<T | null> | null } | null | undefined): T[] {
  return (connection?.nodes ?? []).filter((node) => node !== null);
}
