import { walkKey } from '../../pass/pass-state.ts';
import type { ProjectStates } from '../../pass/pass-state.ts';
import type { Identities } from '../../streams/identities.ts';
import type { Stream } from '../../streams/stream.ts';
import type { WalkState } from '../../walk-state.ts';

/** What the table claims to hold of one stream of a project. */
export type Claim = SpanClaim | NoClaim;

/** The table claims to hold every row that changed, or was created, in this span. */
export interface SpanClaim {
  readonly after: Date;
  readonly before: Date;
  /** Why the last pass could not read everything; null when it could. */
  readonly doubt: string | null;
  readonly identities: Identities;
}

/** The stream cannot be compared. */
export interface NoClaim {
  /** One line. */
  readonly reason: string;
  /** The stream was never read. */
  readonly isUnread?: true;
}

const unread: NoClaim = { reason: 'never read: run `gitlab-connector sync`', isUnread: true };

/** What the table claims to hold of a stream. `states` undefined: the project was never read. */
export function claimOf({ name, count }: Stream, states: ProjectStates | undefined, branches: readonly string[]): Claim {
  if (!states || states.size === 0) return unread;
  if (count.kind === 'none') return { reason: count.reason };
  if (!count.identities) return { reason: 'the rows of this stream cannot be listed for an audit' };
  const state = states.get(walkKey(name, ''));
  if (!state) return unread;
  const { outcome, error, watermark } = state;
  if (outcome !== 'ok' && outcome !== 'partial' && outcome !== 'failed') return { reason: error ?? outcome };
  const depth = state.depth ?? depthOfBranches(branches.map((branch) => states.get(walkKey(name, branch))));
  if (!depth || !watermark) return { reason: error ?? 'the first reading is not finished' };
  const doubt = outcome === 'ok' ? null : (error ?? outcome);
  return { after: count.identities.completeFrom(depth), before: watermark, doubt, identities: count.identities };
}

/** The latest depth of the branches: from there on, every branch is stored. Null while a branch has no depth. */
function depthOfBranches(walks: ReadonlyArray<WalkState | undefined>): Date | null {
  const depths = walks.map((walk) => walk?.depth?.getTime() ?? Number.NaN);
  return depths.length === 0 || depths.some(Number.isNaN) ? null : new Date(Math.max(...depths));
}
