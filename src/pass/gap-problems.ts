import type { PlacedGap } from '../store/progress/gaps.ts';
import type { ErrorCode } from '../errors.ts';
import type { WalkEnd } from '../streams/stream.ts';
import type { Outcome } from '../walk-state.ts';
import { isSelected, walkKey } from './pass-state.ts';
import type { PassState } from './pass-state.ts';
import type { Problem } from './report.ts';

interface NewGaps {
  readonly project: string;
  readonly stream: string;
  readonly news: readonly PlacedGap[];
  /** How the page ends its walk. */
  readonly end: WalkEnd | undefined;
}

/** Names gaps that are new, in one problem for each list. */
export function nameNewGaps({ tally }: Pick<PassState, 'tally'>, { project, stream, news, end }: NewGaps): void {
  for (const gaps of byScope(news)) tally.addProblem({ project, stream, ...problemOfGaps(gaps, end?.outcome) });
}

/** Names the gaps that were there before, in one problem for each list. */
export function nameKnownGaps({ tally, gaps, known, states }: Pick<PassState, 'tally' | 'gaps' | 'known' | 'states'>): void {
  const lists = Map.groupBy(
    gaps.known().filter(({ projectId }) => isSelected(known.get(projectId))),
    ({ projectId, stream }) => JSON.stringify([projectId, stream]),
  );
  for (const list of lists.values()) {
    for (const some of byScope(list)) {
      const [{ projectId, stream, scope }] = some;
      const outcome = states.get(projectId)?.get(walkKey(stream, scope))?.outcome;
      const project = known.get(projectId)?.fullPath ?? `project ${projectId}`;
      const since = new Date(Math.min(...some.map((gap) => gap.since.getTime()))).toISOString();
      tally.addProblem({ project, stream, ...problemOfGaps(some, outcome), since });
    }
  }
}

type Some<T> = readonly [T, ...T[]];

/** Gaps of one list, the rows apart from the list itself. */
function byScope(gaps: readonly PlacedGap[]): Array<Some<PlacedGap>> {
  const groups = Map.groupBy(gaps, ({ scope, key }) => JSON.stringify([scope, key === '']));
  return [...groups.values()].flatMap(([first, ...others]) => (first ? [[first, ...others] as const] : []));
}

type OfGaps = Pick<Problem, 'scope' | 'outcome' | 'reason' | 'errorCode' | 'expected'>;

const mostNames = 3;

/** `outcome`: of the walk; of use where the gap is the list itself. */
function problemOfGaps(gaps: Some<PlacedGap>, outcome: Outcome | undefined): OfGaps {
  const [{ scope, key, reason, errorCode }] = gaps;
  const place = scope === '' ? {} : { scope };
  const code = errorCode === null ? {} : { errorCode: errorCode as ErrorCode };
  if (key === '') {
    return { ...place, outcome: outcome === 'forbidden' ? 'forbidden' : 'partial', reason, ...code, expected: false };
  }
  const names = gaps.slice(0, mostNames).map((gap) => gap.key);
  const more = gaps.length > mostNames ? ` and ${gaps.length - mostNames} more` : '';
  return { ...place, outcome: 'partial', reason: `${names.join(', ')}${more}: ${reason}`, ...code, expected: false };
}
