import { html } from 'hono/html';
import { visible } from '../../printable.ts';
import type { EnvironmentDeployment } from '../../store/events/read-environments.ts';
import { spanKey } from './answer.ts';
import type { Answer } from './answer.ts';
import { environmentLanes } from './environment-lanes.ts';
import type { Attempt, EnvironmentLane, Run } from './environment-lanes.ts';
import { kindOf } from './kinds.ts';
import { axis, percent, unread } from './lanes-view.ts';
import { changePath, rowId } from './list-view.ts';
import { linkTo } from './links.ts';
import { classesOf, foreign, nothing, shapeOf } from './markup.ts';
import type { Html, Look } from './markup.ts';
import { clockOf, countText } from './times.ts';
import type { Clockface } from './times.ts';

/** Height of the row of what ran, and of the row of what did not succeed. */
const [runHeight, attemptHeight] = [24, 18];
/** Runs that the description of a lane names. */
const mostNamed = 10;

/** What the parts of a lane need. */
interface Drawn {
  readonly answer: Answer;
  readonly clock: Clockface;
  /** Links to the rows of deployments. */
  readonly rowOf: (deployment: EnvironmentDeployment) => string;
}

/** A lane for each environment: what ran there when. */
export function environmentsView(answer: Answer): Html {
  const lanes = environmentLanes(answer);
  if (answer.environments === null || lanes.length === 0) return nothing;
  const { hidden, unseenProjects } = answer.environments;
  const clock = clockOf(answer.query.zone);
  const rows = new Map(answer.changes.map((change) => [spanKey(change), `#${rowId(change)}`]));
  const lines = [
    ...(hidden === 0 ? [] : [countText(hidden, 'more environment')]),
    ...(unseenProjects === 0 ? [] : [`${countText(unseenProjects, 'more project')} whose environments are not looked at`]),
  ];
  return html`<section class="lanes" id="environments" aria-label="What ran in each environment" tabindex="0">
    <div class="grid">
      ${lanes.map((lane) => {
        const { connectionId } = lane.history;
        const rowOf = ({ eventId }: EnvironmentDeployment) =>
          rows.get(spanKey({ connectionId, eventId })) ?? changePath({ connectionId, eventId }, answer.query.zone);
        return laneView(lane, { answer, clock, rowOf });
      })}
      <div class="lane axis"><span class="name"></span>${axis(answer.query)}</div>
    </div>
    ${lines.length === 0 ? nothing : html`<p class="note">${lines.join(', and ')}: filter the projects.</p>`}
    <p class="caption" aria-live="polite"></p>
  </section>`;
}

function laneView(lane: EnvironmentLane, drawn: Drawn): Html {
  const { project, environment, tier } = lane.history;
  const height = runHeight + (lane.attempts.length === 0 ? 0 : attemptHeight);
  return html`<div class="lane">
    <span class="name place" title="${visible(`${environment} of ${project}${tier === null ? '' : `, ${tier}`}`)}"
      >${foreign(environment)}<span class="muted">${foreign(project)}</span></span
    >
    <svg class="track" width="100%" height="${height}" role="img" aria-label="${description(lane, drawn)}">
      <line class="base" x1="0" x2="100%" y1="${height - 0.5}" y2="${height - 0.5}" />
      ${unread(lane.readTo, height)} ${beforeRuns(lane, drawn)} ${lane.runs.map((run) => runView(run, drawn))}
      ${lane.attempts.map((attempt) => attemptView(attempt, lane.readTo, drawn))}
    </svg>
  </div>`;
}

/** What the window begins with, where no deployment says it. */
function beforeRuns({ history, knownFrom, readTo }: EnvironmentLane, { answer: { query } }: Drawn): Html {
  const first = history.deployments.find(({ status }) => status === 'success');
  const end = Math.min(knownFrom, readTo);
  if (history.leftOut > 0 && first) {
    const window = { from: query.from, to: new Date(first.finishedAt ?? first.createdAt) };
    const text = `${countText(history.leftOut, 'earlier deployment')}: zoom in`;
    if (window.from < window.to)
      return html`<a href="${linkTo(query, { window })}" class="cell"
        ><title>${text}</title><rect x="0" width="${percent(Math.max(end, 0.02))}" y="3" height="18" rx="3" /><text
          x="4"
          y="16"
          class="start"
          >${history.leftOut}</text
        ></a
      >`;
  }
  if (end <= 0.002) return nothing;
  return html`<g class="unknown"
    ><title>no earlier successful deployment is stored</title><line x1="0" x2="${percent(end)}" y1="12" y2="12"
  /></g>`;
}

/** `main 6acd7ac5` */
const what = ({ ref, sha, iid }: EnvironmentDeployment) =>
  [ref, (sha ?? '').slice(0, 8)].filter((part) => part !== '').join(' ') || `deployment #${iid}`;

function runText({ deployment, until, isGone }: Run, { clock }: Pick<Drawn, 'clock'>): string {
  const { isRollback, iid, author, finishedAt, createdAt } = deployment;
  const end = until !== null ? ` to ${clock.full(until)}` : isGone ? '; it no longer runs there, and no deployment says since when' : '';
  return `${isRollback ? 'rolled back: ' : ''}${what(deployment)} from ${clock.full(finishedAt ?? createdAt)}${end} (deployment #${iid} by ${author})`;
}

const lookOf = (tone: Look['tone'], isRollBack: boolean): Look => ({ kind: kindOf('deployments'), tone, isRollBack });

function runView(run: Run, drawn: Drawn): Html {
  const { x, width, deployment } = run;
  const look = lookOf(deployment.isRollback ? 'bad' : 'good', deployment.isRollback);
  const sign = deployment.isRollback ? html`<use href="#s-${shapeOf(look)}" x="8" y="9" />` : nothing;
  const left = deployment.isRollback ? 18 : 5;
  // An inner svg cuts off a text that is longer than its bar.
  return html`<a href="${drawn.rowOf(deployment)}" class="run ${classesOf(look)} ${run.isGone ? 'gone' : ''}"
    ><title>${visible(runText(run, drawn))}</title
    ><rect x="${percent(x)}" y="3" width="${percent(Math.max(width, 0.002))}" height="18" rx="2" /><svg
      x="${percent(x)}"
      y="3"
      width="${percent(width)}"
      height="18"
    >
      ${sign}
      <text x="${left}" y="13">${visible(what(deployment))}</text>
    </svg></a
  >`;
}

function attemptText({ iid, status, author, ...deployment }: EnvironmentDeployment, clock: Clockface): string {
  const since = status === 'running' ? 'since' : 'at';
  return `${status}: ${what({ iid, status, author, ...deployment })} ${since} ${clock.full(deployment.finishedAt ?? deployment.createdAt)} (deployment #${iid} by ${author})`;
}

/** What failed is a cross, what was canceled or waits the sign of a deployment, and what runs a dashed bar with that sign. */
function attemptView({ x, deployment }: Attempt, readTo: number, { clock, rowOf }: Drawn): Html {
  const isRunning = deployment.status === 'running';
  const look = lookOf(deployment.status === 'failed' ? 'bad' : 'plain', false);
  const y = runHeight + attemptHeight / 2 - 1;
  const bar = isRunning
    ? html`<rect class="running" x="${percent(x)}" y="${y - 4}" width="${percent(Math.max(readTo - x, 0.002))}" height="8" rx="2" />`
    : nothing;
  return html`<a href="${rowOf(deployment)}" class="${classesOf(look)}"
    ><title>${visible(attemptText(deployment, clock))}</title>${bar}<use href="#s-${shapeOf(look)}" x="${percent(x)}" y="${y}"
  /></a>`;
}

/** What a lane shows, for those who cannot see it. */
function description({ history, runs, attempts }: EnvironmentLane, drawn: Drawn): string {
  const named = runs.slice(-mostNamed).map((run) => runText(run, drawn));
  const failed = attempts.filter(({ deployment }) => deployment.status === 'failed').length;
  const running = attempts.filter(({ deployment }) => deployment.status === 'running').length;
  const rest = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(running === 0 ? [] : [`${running} running`]),
    ...(named.length > 0 ? named : ['no successful deployment is stored']),
  ];
  return visible(`${history.environment} of ${history.project}: ${rest.join('; ')}`);
}
