import type { EnvironmentDeployment, EnvironmentHistory } from '../../store/events/read-environments.ts';
import type { Answer } from './answer.ts';
import { placeIn } from './lanes.ts';

/** What ran in an environment for a while. Places are in the window, from 0 to 1. */
export interface Run {
  readonly x: number;
  readonly width: number;
  readonly deployment: EnvironmentDeployment;
  /** When it ended: the next one had succeeded. Null = it ran at the end of what was read, as far as is known. */
  readonly until: string | null;
  /** Whether something else, or nothing, runs there now, and no deployment says since when. */
  readonly isGone: boolean;
}

/** A deployment that did not succeed, or has not ended, at its end or its beginning. */
export interface Attempt {
  readonly x: number;
  readonly deployment: EnvironmentDeployment;
}

/** What ran in one environment when. */
export interface EnvironmentLane {
  readonly history: EnvironmentHistory;
  /** One after another. */
  readonly runs: readonly Run[];
  readonly attempts: readonly Attempt[];
  /** From where on the window was not read, from 0 to 1; 1 = all of it was read. */
  readonly readTo: number;
  /** Up to where it is not known what ran: no deployment before that is stored, or drawn. */
  readonly knownFrom: number;
}

/** A lane for each environment of an answer. */
export function environmentLanes(answer: Answer): EnvironmentLane[] {
  const readUntil = new Map(
    answer.coverage.flatMap((entry) => (entry.stream === 'deployments' ? [[keyOf(entry), entry.readUntil] as const] : [])),
  );
  return (answer.environments?.environments ?? []).map((history) => {
    const until = readUntil.get(keyOf(history));
    const place = (time: string) => placeIn(answer.query, Date.parse(time));
    const readTo = until ? place(until) : 0;
    const successes = history.deployments.filter(({ status }) => status === 'success');
    const runs = successes.map((deployment, index): Run => {
      const next = successes[index + 1];
      const x = place(timeOf(deployment));
      const end = next ? place(timeOf(next)) : Math.max(readTo, x);
      return {
        x,
        width: end - x,
        deployment,
        until: next ? timeOf(next) : null,
        isGone: !next && !deployment.isCurrent && answer.query.endsNow,
      };
    });
    const attempts = history.deployments
      .filter(({ status }) => status !== 'success')
      .map((deployment) => ({ x: place(timeOf(deployment)), deployment }));
    return { history, runs, attempts, readTo, knownFrom: runs[0]?.x ?? 1 };
  });
}

/** When a deployment ended; when it began, if it has not ended. */
const timeOf = ({ finishedAt, createdAt }: EnvironmentDeployment): string => finishedAt ?? createdAt;

const keyOf = ({ connectionId, project }: { readonly connectionId: number; readonly project: string }) => `${connectionId} ${project}`;
