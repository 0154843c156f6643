import { readCounts } from '../../gitlab/counts.ts';
import type { ProjectCounts } from '../../gitlab/counts.ts';
import { chunks, statesByProject } from '../../pass/pass-state.ts';
import { selectProjects } from '../../pass/selection.ts';
import type { EventProject } from '../../events/event-project.ts';
import type { ReadableRecord } from '../../store/reads.ts';
import type { KnownProject } from '../../store/store.ts';
import { allFilters } from '../../streams/counts.ts';
import { selectStreams } from '../../streams/selected.ts';
import type { Stream } from '../../streams/stream.ts';
import { beginningOfTime } from '../../walk-state.ts';
import type { GitlabSession } from '../connect.ts';
import { claimOf } from './claims.ts';
import type { Claim } from './claims.ts';

/** How many projects one request counts. */
const projectsPerRequest = 50;

/** One stream of one configured project, with what an audit compares. */
export interface Target {
  readonly project: EventProject;
  readonly stream: Stream;
  readonly claim: Claim;
  /** GitLab's counts of the span of the claim. Undefined when GitLab no longer returns the project. */
  readonly counts: ProjectCounts | undefined;
  /** How many rows of it could not be read or stored, or not completely. */
  readonly gaps: number;
}

/** What an audit compares. */
export interface Targets {
  readonly targets: readonly Target[];
  /** Entries of the configuration that name no project or group that this token may see. */
  readonly missing: readonly string[];
}

interface Claims {
  readonly id: number;
  readonly known: KnownProject | undefined;
  readonly claims: ReadonlyArray<{ readonly stream: Stream; readonly claim: Claim }>;
}

/** The configured projects, with the claims of the store and the counts of GitLab. `store` null: nothing is stored. */
export async function readTargets({ gitlab, config }: GitlabSession, store: ReadableRecord | null): Promise<Targets> {
  const [projects, states, gaps] = store ? await Promise.all([store.readProjects(), store.readStates(), store.readGaps()]) : [[], [], []];
  const gapsOf = (projectId: number, { name }: Stream) => gaps.filter((gap) => gap.projectId === projectId && gap.stream === name).length;
  const known = new Map(projects.map((project) => [project.id, project]));
  const byProject = statesByProject(states, config.branches);
  const streams = selectStreams(config.streams, { arePainchains: (await store?.arePainchains()) ?? false });
  const { ids, missing } = await selectProjects({ gitlab, config, known }, true);
  const claims = ids.map((id): Claims => {
    const ofStream = (stream: Stream) => ({ stream, claim: claimOf(stream, byProject.get(id), config.branches) });
    return { id, known: known.get(id), claims: streams.map(ofStream) };
  });
  const targets: Target[] = [];
  const unknown: string[] = [];
  for (const group of groupsOf(claims)) {
    const counted = await readCounts(gitlab.graphql, {
      ids: group.map(({ id }) => id),
      branches: config.branches,
      ...allFilters(group[0]?.claims.flatMap(({ claim }) => ('after' in claim ? claim.identities.filter(sinceOf(claim)) : [])) ?? []),
    });
    for (const { id, known: project, claims: ofStreams } of group) {
      const counts = counted.find((one) => one.id === id);
      const found = project ?? (counts && unreadProject(counts));
      if (!found) unknown.push(`project ${id}`);
      else targets.push(...ofStreams.map(({ stream, claim }) => ({ project: found, stream, claim, counts, gaps: gapsOf(id, stream) })));
    }
  }
  return { targets: targets.toSorted(byPath), missing: [...missing, ...unknown] };
}

const unreadProject = ({ id, project: { fullPath, webUrl } }: ProjectCounts): EventProject => ({
  id,
  eventPath: fullPath,
  fullPath,
  webUrl: webUrl ?? '',
});

const byPath = (a: Target, b: Target) => a.project.fullPath.localeCompare(b.project.fullPath, 'en');

/** The moment from which rows are compared; null = all rows. */
export const sinceOf = ({ after }: { readonly after: Date }): Date | null => (after > beginningOfTime ? after : null);

/** Projects whose spans begin at the same moments are counted together. */
function groupsOf(claims: readonly Claims[]): Claims[][] {
  const groups = new Map<string, Claims[]>();
  for (const one of claims) {
    const key = one.claims.map(({ claim }) => ('after' in claim ? claim.after.toISOString() : '')).join(' ');
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap((group) => chunks(group, projectsPerRequest));
}

/** How many rows GitLab counts in a target's span; null when the token may not read this stream. */
export function countedRows({ stream: { count }, counts }: Target): number | null {
  return counts && count.kind !== 'none' ? count.rowsIn(counts) : null;
}
