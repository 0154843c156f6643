import { overlapMs } from '../streams/watermark.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { WalkState } from '../walk-state.ts';
import type { Pass, PassState } from './pass-state.ts';

/** A watermark was set because a row was seen that is dated later: a process that begins knows as much as the one before it. */
export function noteProvenByWatermarks({ gitlab }: Pick<Pass, 'gitlab'>, states: readonly WalkState[]): void {
  for (const { watermark } of states) {
    if (watermark && watermark > beginningOfTime) gitlab.host.rows.noteProven(new Date(watermark.getTime() + overlapMs));
  }
}

/**
 * Names that a GitLab dates rows later than its answers, by more than the overlap. Nothing is lost by that, so the pass is whole;
 * but each pass reads these rows again until `Date` has passed them.
 */
export function nameClocksApart({ gitlab, config, tally }: Pick<PassState, 'gitlab' | 'config' | 'tally'>): void {
  const aheadMs = gitlab.host.rows.takeAheadMs();
  if (aheadMs <= overlapMs) return;
  const seconds = Math.round(aheadMs / 1000);
  tally.addProblem({
    project: config.url,
    outcome: 'partial',
    reason: `rows of this GitLab are dated up to ${seconds} s later than its Date header: set the clocks of its machines by a time server; nothing is lost, and rows dated in the future are read again in each pass`,
    expected: true,
  });
}
