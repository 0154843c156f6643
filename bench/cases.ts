import type { GitlabConfig } from '../src/index.ts';
import type { WorldSize } from './fake/world.ts';

/** A situation to measure. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly size: WorldSize;
  /** `first`: into an empty database; `next`: five minutes after that, with changes in so many projects. */
  readonly pass: 'first' | 'next';
  readonly changedProjects: number;
  /** Configuration of the connector. */
  readonly settings: Pick<GitlabConfig, 'projectLimit' | 'syncLimit' | 'tagLimit'>;
  /** The readers `one by one` get a world that is smaller by this factor, because the whole world would take hours. */
  readonly part: number;
  /** What the part is a part of. */
  readonly partOf: 'projects' | 'rows';
  /** The largest number of rows of each list that every reader reads. */
  readonly rows: { readonly mergeRequests: number; readonly pipelines: number; readonly releases: number };
}

const small: WorldSize = { projects: 10, mergeRequests: 60, pipelines: 60, releases: 40, registryEvery: 1, repositories: 2, tags: 20 };
/** A thousand projects. Most are small, and every fifth has images. */
const quiet: WorldSize = { projects: 10, mergeRequests: 5, pipelines: 10, releases: 2, registryEvery: 5, repositories: 1, tags: 4 };
const large: WorldSize = { projects: 1, mergeRequests: 6000, pipelines: 20_000, releases: 0, registryEvery: 2, repositories: 0, tags: 0 };
const tagged: WorldSize = { projects: 1, mergeRequests: 0, pipelines: 0, releases: 0, registryEvery: 1, repositories: 1, tags: 1000 };

const newest = { mergeRequests: 50, pipelines: 50, releases: 50 };
const everyProject = { projectLimit: 0 };

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
  settings: { ...everyProject, syncLimit: 'all' },
  part,
  partOf: 'rows',
  rows: { mergeRequests, pipelines, releases: 0 },
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
    title: 'First sync of 10 projects',
    size: small,
    ...first,
    settings: { projectLimit: 10 },
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
