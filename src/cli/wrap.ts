import stringWidth from 'string-width';

/** How many columns of a terminal a text takes. Letters of East Asia and emoji take two. */
export const widthOfText = (text: string): number => stringWidth(text);

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Breaks a text into lines of at most `width` columns: between words, and inside of a word only where it is longer than a line. */
export function wrap(text: string, width: number): string[] {
  if (widthOfText(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).flatMap((long) => broken(long, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOfText(longer) <= width) line = longer;
    else {
      if (line !== '') lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

function broken(word: string, width: number): string[] {
  if (widthOfText(word) <= width) return [word];
  const parts = [''];
  for (const { segment } of graphemes.segment(word)) {
    const longer = `${parts.at(-1) ?? ''}${segment}`;
    if (widthOfText(longer) <= width) parts[parts.length - 1] = longer;
    else parts.push(segment);
  }
  return parts;
}

/** Longer words may be broken in a column, but not in a line of their own. */
const longestWord = 40;

/** The columns of the longest word that a table should not break. Texts of East Asia have no spaces, and can be broken anywhere. */
export const unbreakableWidth = (text: string): number =>
  Math.max(0, ...text.split(/\s+/).map((word) => (widthOfText(word) > word.length ? 2 : Math.min(longestWord, widthOfText(word)))));
