import type { Problem } from '../pass/report.ts';

/** A problem in one line: its place, outcome and reason. `streamLabel` replaces the name of the stream. */
export function problemLine({ project, stream, scope, outcome, reason }: Problem, streamLabel = stream): string {
  const place = [project, streamLabel, scope].filter((part) => part !== undefined && part !== '');
  return `${place.join(' > ')}: ${outcome}: ${reason}`;
}

/** Whether something is new that should have been read and was not. */
export const isFailure = ({ expected, since }: Problem): boolean => !expected && since === undefined;
