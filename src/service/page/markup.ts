import { html, raw } from 'hono/html';
import { visible } from '../../printable.ts';
import type { Kind, Tone } from './kinds.ts';

/** A piece of HTML. What is interpolated into `html` is escaped, unless it is such a piece. */
export type Html = ReturnType<typeof html>;

/** A text from GitLab: control characters are shown as signs, and the direction of its letters does not spread. */
export const foreign = (text: string): Html => html`<bdi>${visible(text)}</bdi>`;

/** Nothing. */
export const nothing: Html = raw('');

/** The signs of kinds and tones, around (0, 0), six units each way. Each kind has a shape of its own, so that colour is not needed. */
const shapes: Readonly<Record<string, string>> = {
  mr: 'M0 -6L6 0L0 6L-6 0Z',
  pipeline: 'M-5 -4H5V4H-5Z',
  release: 'M0 -6L6 5H-6Z',
  commit: 'M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0 -4.5 0Z',
  image: 'M-5.2 -3L0 -6L5.2 -3V3L0 6L-5.2 3Z',
  deployment: 'M0 6L-6 -1H-2V-6H2V-1H6Z',
  other: 'M-4 -1H4V1H-4Z',
  cross: 'M-4.5 -3L-3 -4.5L0 -1.5L3 -4.5L4.5 -3L1.5 0L4.5 3L3 4.5L0 1.5L-3 4.5L-4.5 3L-1.5 0Z',
  check: 'M-5 0L-3.5 -1.5L-1.5 0.5L3.5 -4.5L5 -3L-1.5 3.5Z',
  out: 'M-4.5 -2.5H-1V-1H-3V3.5H1.5V1.5H3V5H-4.5ZM0.5 -5H5V-0.5H3.5V-2.5L-0.5 1.5L-1.5 0.5L2.5 -3.5H0.5Z',
  back: 'M-6 -1L-1 -6V-2.5H2A4 4 0 0 1 2 5.5H-3V3H2A1.5 1.5 0 0 0 2 0H-1V4Z',
};

/** The definitions that `shape` refers to: once in each document. */
export const shapeDefinitions = (): Html =>
  html`<svg class="defs" width="0" height="0" aria-hidden="true">
    <defs>${Object.entries(shapes).map(([name, path]) => html`<path id="s-${name}" d="${path}" />`)}</defs>
  </svg>`;

/** Which shape and which colour a change has. */
export interface Look {
  readonly kind: Kind;
  readonly tone: Tone;
  readonly isRollBack: boolean;
}

/** The name of the shape of a change. */
export function shapeOf({ kind, tone, isRollBack }: Look): string {
  if (isRollBack) return 'back';
  if (tone === 'bad') return 'cross';
  return tone === 'good' && kind.key === 'pipeline' ? 'check' : kind.key;
}

/** The classes that give a change its colour. */
export const classesOf = ({ kind, tone }: Pick<Look, 'kind' | 'tone'>): string => `k-${kind.key}${tone === 'bad' ? ' bad' : ''}`;

/** The sign of a change, in a line of text. */
export const icon = (look: Look): Html =>
  html`<svg class="icon ${classesOf(look)}" viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true">
    <use href="#s-${shapeOf(look)}" />
  </svg>`;

/** The sign of a link to GitLab. */
export const outIcon = (): Html =>
  html`<svg class="icon" viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true"><use href="#s-out" /></svg>`;
