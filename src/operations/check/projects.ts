import { readProjectAccess } from '../../gitlab/project-access.ts';
import type { ProjectAccess } from '../../gitlab/project-access.ts';
import { numberOfGlobalId } from '../../gitlab/ids.ts';
import { noSuchEntry, selectProjects } from '../../pass/selection.ts';
import { closed } from '../../streams/access.ts';
import { selectStreams } from '../../streams/selected.ts';
import type { Stream } from '../../streams/stream.ts';
import { failure, ok, plural } from './check.ts';
import type { Check, Finding } from './check.ts';

/** Checks that the token may read the configured projects. One finding for each project that it may not read, and a summary. */
export const projects: Check = {
  name: 'projects',
  after: ['url', 'token', 'token-scopes'],
  look: async ({ config, gitlab, facts }) => {
    const { ids, missing } = await selectProjects({ config, gitlab, known: new Map() }, true);
    const seen = await readProjectAccess(gitlab.graphql, ids);
    facts.projects = seen.map(({ id, fullPath }) => ({ id: numberOfGlobalId(id), fullPath }));
    const seenIds = new Set(seen.map(({ id }) => numberOfGlobalId(id)));
    const unseen = [...missing, ...ids.filter((id) => !seenIds.has(id)).map(String)];
    // Tables of PainChain, in which not all are read, are not known here.
    const needs = needsOf(selectStreams(config.streams, { arePainchains: false }));
    const views = seen.map((project) => viewOf(project, needs));
    const problems = [
      ...unseen.map((entry) => ({
        subject: entry,
        ...failure(noSuchEntry, `check the spelling, or make the token's user a member of it`),
      })),
      ...views.flatMap(forbiddenFinding).toSorted((a, b) => a.subject.localeCompare(b.subject, 'en')),
    ];
    return [...problems, summaryOf(views, unseen.length, needs)];
  },
};

/** The streams that are read. */
interface Needs {
  readonly ofFeatures: readonly Stream[];
  /** The labels of the streams that are read from a repository. */
  readonly ofRepository: readonly string[];
}

const needsOf = (streams: readonly Stream[]): Needs => ({
  ofFeatures: streams.filter(({ access }) => access?.needs === 'feature'),
  ofRepository: streams.filter(({ access }) => access?.needs === 'repository').map(({ label }) => label),
});

/** What the token may see of a project. */
interface View {
  readonly fullPath: string;
  /** What is switched off or empty. */
  readonly off: readonly string[];
  readonly forbidden: readonly string[];
}

function viewOf(project: ProjectAccess, { ofFeatures, ofRepository }: Needs): View {
  const ends = ofFeatures.flatMap((stream) => {
    const end = closed(project, stream);
    return end ? [{ what: stream.label, isForbidden: end.outcome === 'forbidden' }] : [];
  });
  const repository = repositoryOf(project);
  return {
    fullPath: project.fullPath,
    off: [...ends.filter(({ isForbidden }) => !isForbidden).map(({ what }) => what), ...(repository === 'off' ? ofRepository : [])],
    forbidden: [
      ...ends.filter(({ isForbidden }) => isForbidden).map(({ what }) => what),
      ...(repository === 'forbidden' ? ofRepository : []),
    ],
  };
}

/**
 * GitLab returns null for a repository that is switched off and for one that is forbidden. Switching the repository off
 * also switches merge requests and pipelines off, which tells the two apart.
 */
function repositoryOf({ repository, mergeRequestsEnabled, jobsEnabled }: ProjectAccess): 'on' | 'off' | 'forbidden' {
  if (repository) return repository.exists && !repository.empty ? 'on' : 'off';
  return mergeRequestsEnabled === false && jobsEnabled === false ? 'off' : 'forbidden';
}

function forbiddenFinding({ fullPath, forbidden }: View): Array<Finding & { readonly subject: string }> {
  if (forbidden.length === 0) return [];
  const fix = "give the token's user at least the role Reporter in the project";
  return [{ subject: fullPath, ...failure(`the token's role is too low to read ${listed(forbidden)}`, fix) }];
}

const listed = (words: readonly string[]) => [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(' and ');

function summaryOf(views: readonly View[], unseen: number, { ofFeatures, ofRepository }: Needs): Finding {
  const total = views.length + unseen;
  if (total === 0) {
    return failure(
      'the token is a member of no project: there is nothing to read',
      "make the token's user a member of a project, or name projects in REPOS",
    );
  }
  const whole = views.filter(({ forbidden }) => forbidden.length === 0).length;
  const off = [...ofFeatures.map(({ label }) => label), ...ofRepository]
    .map((what) => ({ what, count: views.filter((view) => view.off.includes(what)).length }))
    .flatMap(({ what, count }) => (count > 0 ? [`${what} in ${count}`] : []));
  const rest = off.length === 0 ? '' : `; switched off or empty: ${off.join(', ')}`;
  const detail = `${whole} of ${plural(total, 'project')} can be read${rest}`;
  return whole === total ? ok(detail) : failure(detail);
}
