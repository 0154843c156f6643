import type { Micros } from './time.ts';

export interface FakeMergeRequest {
  readonly id: number;
  readonly iid: number;
  title: string;
  description: string | null;
  state: 'opened' | 'merged' | 'closed' | 'locked';
  draft: boolean;
  readonly createdAt: Micros;
  /** Decides the place in lists, so the project tracks every change. */
  readonly updatedAt: Micros;
  mergedAt: Micros | null;
  closedAt: Micros | null;
  readonly sourceBranch: string;
  readonly targetBranch: string;
  mergeCommitSha: string | null;
  headSha: string;
  mergeStatus: string;
  /** Null for a deleted account. */
  readonly author: string | null;
  mergeUser: string | null;
  labels: string[];
  approvedBy: string[];
  files: FakeFile[];
  notes: number;
  upvotes: number;
  downvotes: number;
  /** Whether GitLab removes the row after paging, as it does with rows that the token may not read. */
  isHidden: boolean;
}

export interface FakeFile {
  readonly path: string;
  readonly additions: number;
  readonly deletions: number;
}

export interface FakeJob {
  readonly id: number;
  readonly name: string;
  readonly stage: string;
  status: string;
  retried: boolean;
  readonly allowFailure: boolean;
  startedAt: Micros | null;
  finishedAt: Micros | null;
  failureMessage: string | null;
  /** Null for a job that triggers another pipeline. */
  readonly isBridge: boolean;
}

export interface FakePipeline {
  readonly id: number;
  readonly iid: number;
  status: string;
  readonly ref: string;
  /** Whether the ref is a tag: pipelines of a tag and of a branch of one name have the same ref. */
  readonly isTag: boolean;
  readonly sha: string;
  readonly source: string;
  /** The pipeline that has started it as a child, in the same project. Null for any other. */
  readonly parentId: number | null;
  failureReason: string | null;
  readonly createdAt: Micros;
  updatedAt: Micros;
  startedAt: Micros | null;
  finishedAt: Micros | null;
  duration: number | null;
  readonly user: string | null;
  readonly jobs: FakeJob[];
}

export interface FakeRelease {
  readonly id: number;
  readonly tag: string;
  name: string;
  description: string;
  readonly createdAt: Micros;
  releasedAt: Micros;
  readonly author: string | null;
  readonly sha: string;
  links: Array<{ name: string; url: string }>;
}

export interface FakeTag {
  digest: string;
  revision: string;
  /** Null for images with several platforms. */
  createdAt: Micros | null;
  /** When the tag was last created or moved, in the registry's metadata database. */
  publishedAt: Micros;
  totalSize: number | null;
  /** Whether GitLab lists the tag but cannot describe its image. */
  isBroken: boolean;
  /** Whether the image is for several platforms. GitLab's answer for such an image depends on its version. */
  isMultiArch: boolean;
}

export interface FakeImageRepository {
  readonly id: number;
  /** The part of the path after the project's path; empty for the project's root image. */
  readonly name: string;
  path: string;
  location: string;
  readonly createdAt: Micros;
  readonly tags: Map<string, FakeTag>;
  /** Every image that each tag was pushed to, the first one first. */
  readonly pushes: Map<string, FakeTag[]>;
}

export interface FakeEnvironment {
  readonly id: number;
  readonly name: string;
  readonly tier: 'PRODUCTION' | 'STAGING' | 'TESTING' | 'DEVELOPMENT' | 'OTHER';
  state: 'available' | 'stopped';
  updatedAt: Micros;
}

export interface FakeDeployment {
  readonly id: number;
  /** Its number in the project, of all environments. */
  readonly iid: number;
  readonly environmentId: number;
  status: 'CREATED' | 'RUNNING' | 'SUCCESS' | 'FAILED' | 'CANCELED' | 'SKIPPED' | 'BLOCKED';
  readonly ref: string;
  readonly isTag: boolean;
  readonly sha: string;
  readonly createdAt: Micros;
  updatedAt: Micros;
  /** When it ended. A deployment that is run again, such as a skipped one, keeps it. */
  finishedAt: Micros | null;
  readonly user: string | null;
  /** Null for a deployment that was noted with the API. */
  readonly job: { readonly id: number; readonly name: string } | null;
  readonly pipelineId: number | null;
}

/** What the token may do in a project. `none` = the token may not see the project. */
export type Role = 'none' | 'guest' | 'reporter';
