import { html } from 'hono/html';
import type { Json } from '../../events/change-event.ts';
import { printableJson, visible } from '../../printable.ts';
import type { EventVersion } from '../../store/events/read-events.ts';
import type { StreamedEvent } from '../../store/events/read-event.ts';
import { isRead } from '../../store/progress/read-coverage.ts';
import type { CoverageEntry } from '../../store/progress/read-coverage.ts';
import { unreadText } from '../../timeline/unread-text.ts';
import { kindOf, toneOf } from './kinds.ts';
import { changePath } from './list-view.ts';
import { safeUrl } from './links.ts';
import { foreign, icon, nothing, outIcon } from './markup.ts';
import type { Html } from './markup.ts';
import { clockOf } from './times.ts';

/** All that is known of one event. */
export interface ChangeContent {
  readonly event: StreamedEvent;
  readonly versions: readonly EventVersion[];
  readonly related: readonly StreamedEvent[];
  /** Of its project. */
  readonly coverage: readonly CoverageEntry[];
  readonly gitlabUrl: string | undefined;
  readonly zone: string;
}

/** The history, the chain, the coverage and the raw JSON of an event: a page without JavaScript, and what a row shows with it. */
export function changeView({ event, versions, related, coverage, gitlabUrl, zone }: ChangeContent): Html {
  const clock = clockOf(zone);
  const url = safeUrl(event.url, gitlabUrl);
  const raw = printableJson(JSON.stringify(event, null, 2));
  return html`<article class="change">
    <h2>${foreign(event.title)}</h2>
    <p class="facts">
      ${url === null ? foreign(event.url) : html`<a href="${url}" rel="noreferrer noopener">${outIcon()} Open in GitLab</a>`}
    </p>
    <h3>History</h3>
    <ol class="history">
      ${versions.map(
        ({ version, status, happenedAt, seenAt, changes }) =>
          html`<li>
            <p>
              <span class="version">${version}</span> <time datetime="${happenedAt}">${clock.full(happenedAt)}</time>
              <strong>${foreign(status)}</strong> <span class="muted">arrived ${clock.full(seenAt)}</span>
            </p>
            ${changes === null ? nothing : changesTable(changes)}
          </li>`,
      )}
    </ol>
    <h3>Chain</h3>
    ${
      related.length === 0
        ? html`<p class="muted">No other change is related.</p>`
        : html`<ol class="chain">
            ${chainView(event, related, zone)}
          </ol>`
    }
    <h3>Coverage</h3>
    ${
      coverage.length === 0
        ? html`<p class="muted">The project is no longer read.</p>`
        : html`<ul class="facts">
            ${coverage.map((entry) => html`<li>${foreign(coverageLine(entry, zone))}</li>`)}
          </ul>`
    }
    <details class="raw">
      <summary>Raw event</summary>
      <pre>${raw}</pre>
    </details>
  </article>`;
}

function changesTable(changes: NonNullable<EventVersion['changes']>): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">field</th>
        <th scope="col">old</th>
        <th scope="col">new</th>
      </tr>
    </thead>
    <tbody>
      ${Object.entries(changes).map(
        ([field, { old, new: value }]) =>
          html`<tr>
            <th scope="row">${foreign(field)}</th>
            <td class="old">${valueText(old)}</td>
            <td>${valueText(value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const mostCharacters = 2_000;

function valueText(value: Json): Html {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return foreign(text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text);
}

/** The event and its relatives by time, each a link to its own history. */
function chainView(event: StreamedEvent, related: readonly StreamedEvent[], zone: string): Html[] {
  const chain = [...related, event].toSorted((a, b) => a.timestamp.localeCompare(b.timestamp));
  return chain.map((one) => {
    const look = { kind: kindOf(one.stream), tone: toneOf({ ...one, headline: one.title }), isRollBack: false };
    const text = html`${icon(look)} ${foreign(one.title)}
      <span class="muted">${visible(one.status)}, ${clockOf(zone).full(one.timestamp)}</span>`;
    return one === event ? html`<li aria-current="true">${text}</li>` : html`<li><a href="${changePath(one, zone)}">${text}</a></li>`;
  });
}

function coverageLine(entry: CoverageEntry, zone: string): string {
  if (!isRead(entry)) return unreadText(entry, clockOf(zone).full);
  return `${entry.stream} read until ${clockOf(zone).full(entry.readUntil ?? '')}${entry.gaps === 0 ? '' : `, ${entry.gaps} gaps`}`;
}
