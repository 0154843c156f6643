import type { PassSummary } from './pass-summary.ts';

/** A part of a pass that could not be read now, and may be later. Its summary is kept with the job. */
export class PartFailure extends Error {
  override readonly name = 'PartFailure';
  readonly summary: PassSummary;
  constructor(summary: PassSummary) {
    super(summary.error ?? summary.result);
    this.summary = summary;
  }
}
