import { expect, test } from 'vitest';
import { printable, printableJson } from '../src/printable.ts';

const bad = ['\u0000', '\u0007', '\n', '\r', '\t', '\u001b', '\u007f', '\u0080', '\u009b', '\u009f', '\u061c', '\u200e', '\u200f'].concat([
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202e',
  '\u2066',
  '\u2069',
  '\u206f',
]);

test('what moves a cursor, rings, colours, ends lines or turns the direction of writing becomes a space', () => {
  for (const character of bad) expect(printable(`a${character}b${character}${character}c`)).toBe('a b c');
  expect(printable('\u001b[31mred\u001b[0m \u009b2J\u202Etxt.exe')).toBe(' [31mred [0m  2J txt.exe');
});

test('other texts stay as they are', () => {
  for (const text of ['', 'Ünïcödé – “quotes”', '日本語', 'עברית', 'العربية', '👩‍💻 and \u{1F1E9}\u{1F1EA}', 'a b']) {
    expect(printable(text)).toBe(text);
    expect(printableJson(JSON.stringify(text))).toBe(JSON.stringify(text));
  }
});

test('in JSON it is escaped: the data stays what it was', () => {
  const value = { title: bad.join('x'), [`key\u009b`]: ['\u202e', '\\u0000', '\\'] };
  const json = printableJson(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);
  expect(printable(json)).toBe(json);
});
