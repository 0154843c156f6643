/** A moment in the world, in microseconds since 1970, the precision of GitLab's PostgreSQL. */
export type Micros = number;

const second = 1_000_000;

/** Parses a moment in ISO 8601. */
export const moment = (iso: string): Micros => new Date(iso).getTime() * 1000;

/** A span of time in microseconds. */
export const seconds = (count: number): Micros => count * second;
export const minutes = (count: number): Micros => seconds(count * 60);
export const hours = (count: number): Micros => minutes(count * 60);
export const days = (count: number): Micros => hours(count * 24);

/** Formats a moment as GraphQL's Time: in whole seconds. */
export const graphqlTime = (at: Micros): string => `${new Date(Math.floor(at / second) * 1000).toISOString().slice(0, 19)}Z`;

/** Formats a moment as REST does: with milliseconds. */
export const restTime = (at: Micros): string => new Date(Math.floor(at / 1000)).toISOString();

/** Formats a moment as in keyset cursors: with nanoseconds. */
export function cursorTime(at: Micros): string {
  const fraction = String(at % second).padStart(6, '0');
  return `${graphqlTime(at).slice(0, 19).replace('T', ' ')}.${fraction}000 UTC`;
}

/** Parses a moment of a cursor. NaN for anything else. */
export function parseCursorTime(text: string): Micros {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6})\d{3} UTC$/.exec(text);
  return match ? moment(`${match[1]}T${match[2]}Z`) + Number(match[3]) : Number.NaN;
}

/** Parses a moment of a Time argument, which may have a fraction of a second. */
export const parseTime = (text: string): Micros => Math.round(new Date(text).getTime() * 1000);
