/** Times of the page, in one time zone. */
export interface Clockface {
  /** `2026-11-23` */
  readonly day: (time: Date | string) => string;
  /** `10:03:12` */
  readonly time: (time: Date | string) => string;
  /** `10:03` */
  readonly minute: (time: Date | string) => string;
  /** `2026-11-23 10:03:12` */
  readonly full: (time: Date | string) => string;
}

const faces = new Map<string, Clockface>();

/** The clock of a time zone, whose name must be valid. */
export function clockOf(zone: string): Clockface {
  const known = faces.get(zone);
  if (known) return known;
  // Swedish writes a date and a time as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const full = (time: Date | string) => format.format(typeof time === 'string' ? new Date(time) : time);
  const face: Clockface = {
    full,
    day: (time) => full(time).slice(0, 10),
    time: (time) => full(time).slice(11),
    minute: (time) => full(time).slice(11, 16),
  };
  if (faces.size < 100) faces.set(zone, face);
  return face;
}

/** `21 s`, `5 min`, `3 h` or `2 days`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** `1,405 changes`, `1 change`. */
export const countText = (count: number, word: string): string => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
