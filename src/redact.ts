/** Removes secrets from a text. */
export type Redact = (text: string) => string;

/** How many times a text may be nested as JSON in JSON, or encoded for a URL. */
const nesting = 3;
/** How many backslashes stand for one after each level of JSON: each level doubles them. */
const levels = Array.from({ length: nesting + 1 }, (_, depth) => 2 ** depth);

/**
 * Creates a function that replaces secrets in texts: unchanged, escaped in JSON (`\"`, `\u003c`), encoded in a URL (`%2B`),
 * both up to three times, and in base64, as in `Authorization: Basic`. Ignores empty secrets.
 */
export function redactor(secrets: readonly string[], replacement: string): Redact {
  const alternatives = secrets.flatMap((secret) => (secret === '' ? [] : [written(secret), ...base64Of(secret).map(literal)]));
  if (alternatives.length === 0) return (text) => text;
  const pattern = new RegExp(alternatives.join('|'), 'gu');
  return (text) => text.replaceAll(pattern, () => replacement);
}

/** A pattern for a secret in every notation. All repetitions are bounded, so that a hostile text does not make the search slow. */
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

/** A pattern for these numbers of backslashes, the largest first. */
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

/** Shorter secrets are not searched in base64, because their base64 could match other texts. */
const shortestForBase64 = 8;

/** The base64 of a secret within a longer text. Three bytes become four characters, so there are three forms. */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret);
  if (bytes.length < shortestForBase64) return [];
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and the last character may contain bits of the bytes beside the secret.
    const isLastWhole = (before + bytes.length) % 3 === 0;
    return text.slice(before === 0 ? 0 : before + 1, isLastWhole ? undefined : -1);
  });
}
