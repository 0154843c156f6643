import { GraphqlError } from '../errors.ts';
import { readBatch } from '../gitlab/batch.ts';
import type { Batch, BatchAsk } from '../gitlab/batch.ts';
import { isTooMuch } from '../gitlab/limits/adaptive-size.ts';
import { mayBeOfARow } from '../gitlab/read-around.ts';
import type { WalkEnd } from '../streams/stream.ts';
import { settle } from './settle.ts';
import { listsOf } from './pass-state.ts';
import type { PassState } from './pass-state.ts';

/** What asking for some projects brought: those that GitLab returned and those that it does not know, or why they failed. */
export type ReadByIds =
  | { readonly batch: Batch; readonly absent: readonly number[] }
  | { readonly failed: readonly number[]; readonly end: WalkEnd };

/** Projects that are asked together. */
export interface IdBatch {
  readonly ids: readonly number[];
  readonly ask: BatchAsk;
  /** Asks for the names of rows first: GitLab is known to fail on one of them. */
  readonly byName?: boolean;
}

/**
 * Reads projects by id, as many in one request as GitLab bears. Where GitLab fails, because of a row perhaps, the names of the rows are
 * asked for, and the streams read the rows. A project that fails even when it is asked for alone is
 * named, and the others go on. A project that is missing in an answer with errors is asked for alone. While the circuit
 * breaker is open nothing is asked for.
 */
export async function* readByIds(pass: PassState, { ids, ask, byName = false }: IdBatch): AsyncGenerator<ReadByIds> {
  const { gitlab, config, circuitBreaker } = pass;
  const groups = [{ group: ids, byName }];
  for (let next = groups.shift(); next; next = groups.shift()) {
    const { group } = next;
    const openReason = circuitBreaker.openReason();
    if (openReason) {
      yield { failed: group, end: openReason };
      continue;
    }
    const query = {
      source: { kind: 'ids' as const, ids: group },
      ask,
      branches: config.branches,
      lists: listsOf(pass.streams),
      byName: next.byName,
    };
    const answer = await settle(readBatch(gitlab, query));
    if ('end' in answer && !next.byName && mayBeOfARow(answer.error)) {
      groups.unshift({ group, byName: true });
      continue;
    }
    circuitBreaker.note(answer);
    if ('end' in answer) {
      const asked = isTooMuch(answer.error) ? group.slice(0, 1) : group;
      yield { failed: asked, end: answer.end };
      if (asked.length < group.length) groups.unshift({ group: group.slice(asked.length), byName });
      continue;
    }
    const batch = answer.value;
    if (!batch) continue;
    const { asked, errors, mayLackProjects } = batch;
    if (asked.length < group.length) groups.unshift({ group: group.slice(asked.length), byName });
    const returned = new Set(batch.projects.map(({ id }) => id));
    const absent = asked.filter((id) => !returned.has(id));
    yield { batch, absent: mayLackProjects ? [] : absent };
    if (!mayLackProjects || absent.length === 0) continue;
    if (asked.length > 1) groups.push(...absent.map((id) => ({ group: [id], byName })));
    else {
      const { message: reason, code: errorCode } = new GraphqlError(errors, { operation: 'ProjectChanges' });
      yield { failed: absent, end: { outcome: 'failed', reason, errorCode } };
    }
  }
}
