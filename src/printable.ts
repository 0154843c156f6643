/**
 * Characters that move a terminal's cursor, change its colours, end a line or turn the direction of writing: the control
 * characters C0 and C1, DEL, the line and paragraph separators, and the controls of bidirectional text.
 */
// oxlint-disable-next-line no-control-regex -- the expression must match control characters
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]+/g;

/** Replaces characters that are not printable by a space, so that the text is safe in one line of a terminal or a log. */
export const printable = (text: string): string => text.replaceAll(unprintable, ' ');

/** The characters of `unprintable` that JSON.stringify does not escape. */
const unescaped = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]/g;

/** JSON with every character that is not printable escaped: the same data, safe on a terminal. */
export const printableJson = (json: string): string =>
  json.replaceAll(unescaped, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Shows characters that are not printable as signs, such as `␛` and `⟨U+202E⟩`, so that a reader sees that they are there. */
export const visible = (text: string): string => text.replaceAll(unprintable, (characters) => Array.from(characters, signOf).join(''));

function signOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x24_00 + code);
  return code === 0x7f ? '␡' : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
