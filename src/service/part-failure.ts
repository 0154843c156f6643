import type { PassSummary } from './summary.ts';

/** A part of a pass that could not be read now, and may be later. Its summary is kept with the job. */
export class PartFailure extends Error {
  override readonly name = 'PartFailure';
  readonly summary: PassSummary;
  constructor(summary: PassSummary) {
    super(summary.error ?? summary.result);
    this.summary = summary;
  }
}

/** The summary of what failed without saying more. */
export const failedSummary = (error: string): PassSummary => ({
  result: 'error',
  error,
  cause: null,
  projects: 0,
  fetched: 0,
  stored: 0,
  corrected: 0,
  unread: 0,
  requests: 0,
});
