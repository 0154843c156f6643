import type { GitlabConfig } from '../src/index.ts';
import type { WorldSize } from './fake/world.ts';

/** A situation to measure. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly size: WorldSize;
  /** `first`: into an empty database; `next`: five minutes after two passes, with changes in so many projects. */
  readonly pass: 'first' | 'next';
  readonly changedProjects: number;
  /** Configuration of the connector. */
  readonly settings: Pick<GitlabConfig, 'projectLimit' | 'syncLimit' | 'tagLimit' | 'branches'>;
  /** The readers `one by one` get a world that is smaller by this factor, because the whole world would take hours. */
  readonly part: number;
  /** What the part is a part of. */
  readonly partOf: 'projects' | 'rows';
  /** The largest number of rows of each list that every reader reads. */
  readonly rows: { readonly mergeRequests: number; readonly pipelines: number; readonly releases: number; readonly commits: number };
}

const small: WorldSize = {
  projects: 10,
  mergeRequests: 50,
  pipelines: 50,
  releases: 50,
  commits: 50,
  registryEvery: 1,
  repositories: 1,
  tags: 50,
};
/** A thousand projects. Most are small, each with a branch that is read and an image repository. */
const quiet: WorldSize = {
  projects: 10,
  mergeRequests: 5,
  pipelines: 10,
  releases: 2,
  commits: 3,
  registryEvery: 1,
  repositories: 1,
  tags: 4,
};
const large: WorldSize = { ...quiet, projects: 1, mergeRequests: 6000, pipelines: 20_000, releases: 0, commits: 0 };
const tagged: WorldSize = { ...quiet, projects: 1, mergeRequests: 0, pipelines: 0, releases: 0, tags: 1000 };

const newest = { mergeRequests: 50, pipelines: 50, releases: 50, commits: 50 };
const everyProject = { projectLimit: 0, branches: 'main' };

const first = { pass: 'first', changedProjects: 0 } as const;
const idle = (projects: number): Case => ({
  name: `idle-${projects}`,
  title: `Idle pass over ${thousands(projects)} projects`,
  size: { ...quiet, projects },
  pass: 'next',
  changedProjects: 0,
  settings: everyProject,
  part: projects > 100 ? 10 : 1,
  partOf: 'projects',
  rows: newest,
});
const backfill = (mergeRequests: number, pipelines: number, part: number): Case => ({
  name: `backfill-${mergeRequests}`,
  title: `One project, ${thousands(mergeRequests)} merge requests and ${thousands(pipelines)} pipelines`,
  size: { ...large, mergeRequests, pipelines },
  ...first,
  // Without BRANCHES: the fake GitLab sorts all pipelines for each page of those of a branch.
  settings: { projectLimit: 0, syncLimit: 'all' },
  part,
  partOf: 'rows',
  rows: { mergeRequests, pipelines, releases: 0, commits: 0 },
});
const tags = (count: number): Case => ({
  name: `tags-${count}`,
  title: `One container repository, ${thousands(count)} tags`,
  size: { ...tagged, tags: count },
  ...first,
  settings: { ...everyProject, tagLimit: 0 },
  part: count > 1000 ? 10 : 1,
  partOf: 'rows',
  rows: newest,
});

function thousands(count: number): string {
  return count.toLocaleString('en-US');
}

/** Every case, in the order of the table. */
export const cases: readonly Case[] = [
  {
    name: 'first-10',
    title: 'First sync of 10 projects, 50 rows of each kind',
    size: small,
    ...first,
    settings: { projectLimit: 10, branches: 'main' },
    part: 1,
    partOf: 'rows',
    rows: newest,
  },
  idle(10),
  idle(100),
  idle(1000),
  { ...idle(1000), name: 'changed-20', title: '20 of 1,000 projects have changed', changedProjects: 20 },
  backfill(6000, 20_000, 20),
  backfill(60_000, 200_000, 200),
  tags(1000),
  tags(10_000),
];
