/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/** A text may have been written as JSON within JSON within JSON, or have been encoded for a URL that often. */
const nesting = 3;
/** What a backslash becomes that often: each time twice as many. */
const levels = Array.from({ length: nesting + 1 }, (_, depth) => 2 ** depth);

/**
 * Takes secrets out of texts, however they are written there: as they are, escaped in JSON (`\"`, `\u003c`), encoded in a
 * URL (`%2B`), in both up to three times over, and in base64, as in `Authorization: Basic`. Empty secrets are ignored.
 */
export function redactor(secrets: readonly string[], replacement: string): Redact {
  const alternatives = secrets.flatMap((secret) => (secret === '' ? [] : [written(secret), ...base64Of(secret).map(literal)]));
  if (alternatives.length === 0) return (text) => text;
  const pattern = new RegExp(alternatives.join('|'), 'gu');
  return (text) => text.replaceAll(pattern, () => replacement);
}

/** A pattern for a text in every notation. Repetitions in it are bounded, so that a hostile text costs little more than a friendly one. */
function written(secret: string): string {
  return (secret.match(/\\+|[^\\]/gu) ?? []).map((part) => (part.startsWith('\\') ? backslashes(part.length) : character(part))).join('');
}

function character(text: string): string {
  // Letters and digits are never escaped with a backslash alone.
  const escaped = /^[a-z0-9]$/i.test(text) ? literal(text) : `(?:${times(levels.slice(1).map((level) => level - 1))})?${literal(text)}`;
  return `(?:${escaped}|${unicodeEscape(text)}|${percent(text)})`;
}

const backslashes = (count: number) =>
  `(?:${times(levels.map((level) => level * count))}|(?:${unicodeEscape('\\')}){${count}}|(?:${percent('\\')}){${count}})`;

/** So many backslashes, the most first. */
const times = (counts: readonly number[]) =>
  counts
    .map((count) => `\\\\{${count}}`)
    .toReversed()
    .join('|');

const literal = (text: string) => Array.from(text, (symbol) => `\\u{${symbol.codePointAt(0)?.toString(16)}}`).join('');

const unicodeEscape = (text: string) =>
  text
    .split('')
    .map((unit) => `(?:${times(levels.slice(0, -1))})u${hex(unit.charCodeAt(0), 4)}`)
    .join('');

const percent = (text: string) => [...Buffer.from(text)].map((byte) => `%(?:25){0,${nesting}}${hex(byte, 2)}`).join('');

/** Hexadecimal digits, in lower or upper case. */
const hex = (value: number, length: number) =>
  value
    .toString(16)
    .padStart(length, '0')
    .replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);

/** Shorter secrets leave too little of themselves in base64 to be told from other texts. */
const shortestForBase64 = 8;

/** What a secret looks like inside of something in base64: three bytes become four characters, so that there are three ways. */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret);
  if (bytes.length < shortestForBase64) return [];
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and the last character may hold bits of what stands beside it.
    const isLastWhole = (before + bytes.length) % 3 === 0;
    return text.slice(before === 0 ? 0 : before + 1, isLastWhole ? undefined : -1);
  });
}
