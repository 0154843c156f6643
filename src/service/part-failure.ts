import type { PassSummary } from './pass-summary.ts';

/** A part of a pass could not be read, and a retry may succeed. pg-boss stores the summary with the job. */
export class PartFailure extends Error {
  override readonly name = 'PartFailure';
  readonly summary: PassSummary;
  constructor(summary: PassSummary) {
    super(summary.error ?? summary.result);
    this.summary = summary;
  }
}
