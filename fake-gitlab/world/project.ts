import { createHash } from 'node:crypto';
import type { FakeFile, FakeImageRepository, FakeJob, FakeMergeRequest, FakePipeline, FakeRelease, FakeTag, Role } from './records.ts';
import { memento } from './memento.ts';
import { FakeDeployments } from './deployments.ts';
import type { Poisons } from './poison.ts';
import { FakeGit } from './repository.ts';
import { shaOf } from './sha.ts';
import type { Micros } from './time.ts';

/** What a project needs from its world. */
export interface ProjectHost {
  readonly now: () => Micros;
  /** The clock of the worker that runs pipelines. */
  readonly workerNow: () => Micros;
  readonly nextId: (kind: string) => number;
  readonly poisons: Poisons;
  readonly keepsTagCreation: () => boolean;
}

type New<T, Required extends keyof T> = Pick<T, Required> & Partial<T>;

/** A project with its content. The methods make changes as people do, and set the times that GitLab sets. */
export class FakeProject {
  readonly id: number;
  fullPath: string;
  role: Role = 'reporter';
  isMember = true;
  features: { mergeRequests: boolean; ci: boolean; registry: boolean; repository: boolean; releases?: boolean; environments?: boolean } = {
    mergeRequests: true,
    ci: true,
    registry: true,
    repository: true,
  };
  /** Whether guests see pipelines. */
  publicPipelines = true;
  /** Largest page of the lists of this project, whatever page size a request has. */
  largestPage = 100;
  readonly createdAt: Micros;
  lastActivityAt: Micros;
  readonly #mergeRequests: FakeMergeRequest[] = [];
  readonly #pipelines: FakePipeline[] = [];
  readonly #releases: FakeRelease[] = [];
  #revision = 0;
  readonly imageRepositories: FakeImageRepository[] = [];
  readonly git: FakeGit;
  readonly deployments: FakeDeployments;
  readonly #host: ProjectHost;
  #children: { readonly revision: number; readonly byParent: ReadonlyMap<number | null, readonly FakePipeline[]> } | undefined;
  #lastMergeRequest = 0;
  #lastPipeline = 0;

  constructor(host: ProjectHost, fullPath: string) {
    this.#host = host;
    this.id = host.nextId('Project');
    this.fullPath = fullPath;
    this.createdAt = host.now();
    this.lastActivityAt = host.now();
    this.git = new FakeGit(host.now);
    this.deployments = new FakeDeployments(host);
  }

  get mergeRequests(): readonly FakeMergeRequest[] {
    return this.#mergeRequests;
  }

  get pipelines(): readonly FakePipeline[] {
    return this.#pipelines;
  }

  /** The pipelines that a pipeline has started. Found by one look at all pipelines, until there are others. */
  childPipelines(parentId: number): readonly FakePipeline[] {
    if (this.#children?.revision !== this.#revision)
      this.#children = { revision: this.#revision, byParent: Map.groupBy(this.#pipelines, (pipeline) => pipeline.parentId) };
    return this.#children.byParent.get(parentId) ?? [];
  }

  get releases(): readonly FakeRelease[] {
    return this.#releases;
  }

  /** The faults of single objects in the world. */
  get poisons(): Poisons {
    return this.#host.poisons;
  }

  /** Grows with every change that may move a row to another place in its list. */
  get revision(): number {
    return this.#revision;
  }

  /** Copies the state of the project. Returns a function that restores this state. */
  snapshot(): () => void {
    const numbers = [this.#lastMergeRequest, this.#lastPipeline] as const;
    const restores = [this, this.#mergeRequests, this.#pipelines, this.#releases].map(memento);
    return () => {
      for (const restore of restores) restore();
      [this.#lastMergeRequest, this.#lastPipeline] = numbers;
      this.#revision++;
    };
  }

  openMergeRequest({ title, ...rest }: New<FakeMergeRequest, 'title'>): FakeMergeRequest {
    const now = this.#host.now();
    const iid = ++this.#lastMergeRequest;
    const mergeRequest: FakeMergeRequest = {
      id: this.#host.nextId('MergeRequest'),
      iid,
      title,
      description: `What ${title} is about`,
      state: 'opened',
      draft: false,
      createdAt: now,
      updatedAt: now,
      mergedAt: null,
      closedAt: null,
      sourceBranch: `feature-${iid}`,
      targetBranch: 'main',
      mergeCommitSha: null,
      headSha: shaOf(`${this.id}-${iid}-head`),
      mergeStatus: 'CAN_BE_MERGED',
      author: 'ada',
      mergeUser: null,
      labels: [],
      approvedBy: [],
      files: [{ path: 'README.md', additions: 1, deletions: 0 }],
      notes: 0,
      upvotes: 0,
      downvotes: 0,
      isHidden: false,
      ...rest,
    };
    this.#revision++;
    this.#mergeRequests.push(mergeRequest);
    this.lastActivityAt = now;
    return mergeRequest;
  }

  /** Changes a merge request, and sets its time of update as GitLab does when a merge request is saved. */
  editMergeRequest(mergeRequest: FakeMergeRequest, change: Partial<FakeMergeRequest>): void {
    this.#revision++;
    Object.assign(mergeRequest, change, { updatedAt: this.#host.now() });
    this.lastActivityAt = this.#host.now();
  }

  approve(mergeRequest: FakeMergeRequest, user: string): void {
    this.editMergeRequest(mergeRequest, { approvedBy: [...mergeRequest.approvedBy, user] });
  }

  unapprove(mergeRequest: FakeMergeRequest, user: string): void {
    this.editMergeRequest(mergeRequest, { approvedBy: mergeRequest.approvedBy.filter((name) => name !== user) });
  }

  /** Merges with a merge commit, on the target branch when the project has one. */
  mergeMergeRequest(mergeRequest: FakeMergeRequest, user = 'grace'): void {
    const { sourceBranch, targetBranch } = mergeRequest;
    const commit = this.git.merge(sourceBranch, targetBranch, `Merge branch '${sourceBranch}' into '${targetBranch}'`);
    this.editMergeRequest(mergeRequest, { state: 'merged', mergedAt: this.#host.now(), mergeUser: user, mergeCommitSha: commit.sha });
  }

  closeMergeRequest(mergeRequest: FakeMergeRequest): void {
    this.editMergeRequest(mergeRequest, { state: 'closed', closedAt: this.#host.now() });
  }

  reopenMergeRequest(mergeRequest: FakeMergeRequest): void {
    this.editMergeRequest(mergeRequest, { state: 'opened', closedAt: null });
  }

  /** Changes what GitLab computes or counts for a merge request without changing its time of update. */
  recomputeSilently(
    mergeRequest: FakeMergeRequest,
    change: Partial<Pick<FakeMergeRequest, 'mergeStatus' | 'upvotes' | 'downvotes'>>,
  ): void {
    Object.assign(mergeRequest, change);
  }

  /** Pushes to the source branch. GitLab changes the diff, and may leave the time of update unchanged. */
  pushSilently(mergeRequest: FakeMergeRequest, files: FakeFile[]): void {
    mergeRequest.headSha = shaOf(`${mergeRequest.headSha} and more`);
    mergeRequest.files = files;
  }

  deleteMergeRequest(mergeRequest: FakeMergeRequest): void {
    this.#revision++;
    remove(this.#mergeRequests, mergeRequest);
  }

  startPipeline({
    ref,
    jobs,
    ...rest
  }: Omit<New<FakePipeline, 'ref'>, 'jobs'> & { readonly jobs?: ReadonlyArray<Partial<FakeJob>> }): FakePipeline {
    const now = this.#host.workerNow();
    const pipeline: FakePipeline = {
      id: this.#host.nextId('Pipeline'),
      iid: ++this.#lastPipeline,
      status: 'RUNNING',
      ref,
      isTag: false,
      sha: this.git.branches.get(ref) ?? shaOf(`${this.id}-${ref}-${this.pipelines.length}`),
      source: 'push',
      parentId: null,
      failureReason: null,
      createdAt: now,
      updatedAt: now,
      startedAt: now,
      finishedAt: null,
      duration: null,
      user: 'ada',
      jobs: (jobs ?? [{ name: 'test' }]).map((job, index) => this.#job(job, index)),
      ...rest,
    };
    this.#revision++;
    this.#pipelines.push(pipeline);
    return pipeline;
  }

  #job(job: Partial<FakeJob>, index: number): FakeJob {
    return {
      id: this.#host.nextId('Job'),
      name: `job-${index}`,
      stage: 'test',
      status: 'RUNNING',
      retried: false,
      allowFailure: false,
      startedAt: this.#host.workerNow(),
      finishedAt: null,
      failureMessage: null,
      isBridge: false,
      ...job,
    };
  }

  /** Starts a child pipeline from a job of its parent, whose time of update moves then. */
  startChildPipeline(parent: FakePipeline, rest: { readonly jobs?: ReadonlyArray<Partial<FakeJob>> } = {}): FakePipeline {
    parent.updatedAt = this.#host.workerNow();
    const { ref, isTag, sha, user } = parent;
    return this.startPipeline({ ref, isTag, sha, user, source: 'parent_pipeline', parentId: parent.id, ...rest });
  }

  /** Ends a pipeline. On a failure the named jobs fail; without names the last job fails. */
  finishPipeline(pipeline: FakePipeline, status: 'SUCCESS' | 'FAILED' | 'CANCELED', failing: readonly string[] = []): void {
    const now = this.#host.workerNow();
    const fails = (job: FakeJob) => (failing.length > 0 ? failing.includes(job.name) : job === pipeline.jobs.at(-1));
    for (const job of pipeline.jobs.filter(({ retried }) => !retried)) {
      const failed = status !== 'SUCCESS' && fails(job);
      job.status = failed ? status : 'SUCCESS';
      job.finishedAt = now;
      job.failureMessage = failed && status === 'FAILED' ? 'There has been a script failure' : null;
    }
    const duration = Math.round((now - (pipeline.startedAt ?? now)) / 1_000_000);
    Object.assign(pipeline, { status, updatedAt: now, finishedAt: now, duration });
  }

  /** Runs failed jobs again: the old ones count as retried, and the pipeline runs. */
  retryPipeline(pipeline: FakePipeline): void {
    const now = this.#host.workerNow();
    const failed = pipeline.jobs.filter((job) => !job.retried && job.status !== 'SUCCESS');
    for (const job of failed) {
      job.retried = true;
      pipeline.jobs.push(this.#job({ name: job.name, stage: job.stage, allowFailure: job.allowFailure }, 0));
    }
    Object.assign(pipeline, { status: 'RUNNING', updatedAt: now, finishedAt: null, duration: null });
  }

  /** Runs one failed job again to its end. The pipeline keeps its status, and may keep its time of update. */
  retryJobSilently(pipeline: FakePipeline, status: 'SUCCESS' | 'FAILED'): void {
    const job = pipeline.jobs.find((row) => !row.retried && row.status === 'FAILED');
    if (!job) return;
    job.retried = true;
    const { name, stage, allowFailure } = job;
    const failureMessage = status === 'FAILED' ? 'There has been a script failure' : null;
    pipeline.jobs.push(this.#job({ name, stage, allowFailure, status, failureMessage, finishedAt: this.#host.workerNow() }, 0));
  }

  deletePipeline(pipeline: FakePipeline): void {
    this.#revision++;
    for (const child of this.#pipelines.filter(({ parentId }) => parentId === pipeline.id)) this.deletePipeline(child);
    remove(this.#pipelines, pipeline);
  }

  createRelease({ tag, ...rest }: New<FakeRelease, 'tag'>): FakeRelease {
    const now = this.#host.now();
    const release: FakeRelease = {
      id: this.#host.nextId('Release'),
      tag,
      name: tag,
      description: `Notes of ${tag}`,
      createdAt: now,
      releasedAt: now,
      author: 'grace',
      sha: this.git.branches.get('main') ?? shaOf(`${this.id}-${tag}`),
      links: [],
      ...rest,
    };
    this.#revision++;
    this.#releases.push(release);
    this.lastActivityAt = now;
    return release;
  }

  /** Changes a release. GitLab has no time of update for releases. */
  editRelease(release: FakeRelease, change: Partial<Pick<FakeRelease, 'name' | 'description' | 'releasedAt'>>): void {
    Object.assign(release, change);
  }

  /** Links another asset to a release. No time changes. */
  addAssetLink(release: FakeRelease, link: FakeRelease['links'][number]): void {
    release.links.push(link);
  }

  deleteRelease(tag: string): void {
    const release = this.releases.find((row) => row.tag === tag);
    this.#revision++;
    if (release) remove(this.#releases, release);
  }

  /** Gives the project another path, and its images with it. */
  moveTo(fullPath: string): void {
    for (const repository of this.imageRepositories) {
      const rest = repository.path.slice(this.fullPath.length);
      repository.path = `${fullPath.toLowerCase()}${rest}`;
      repository.location = `registry.example.com/${repository.path}`;
    }
    this.fullPath = fullPath;
  }

  deleteImageRepository(repository: FakeImageRepository): void {
    remove(this.imageRepositories, repository);
  }

  /** `name` is the part after the project's path; empty for the project's root image. */
  addImageRepository(name: string): FakeImageRepository {
    const path = [this.fullPath.toLowerCase(), name].filter((part) => part !== '').join('/');
    const repository = {
      id: this.#host.nextId('ContainerRepository'),
      name,
      path,
      location: `registry.example.com/${path}`,
      createdAt: this.#host.now(),
      tags: new Map<string, FakeTag>(),
      pushes: new Map<string, FakeTag[]>(),
    };
    this.imageRepositories.push(repository);
    return repository;
  }

  /** Points a new or existing tag at a new image. Each image has its own digest, also at the same moment. */
  pushTag(repository: FakeImageRepository, name: string, image: Partial<FakeTag> = {}): FakeTag {
    const unique = `${repository.path}:${name}@${this.#host.now()}#${this.#host.nextId('Image')}`;
    const tag: FakeTag = {
      digest: `sha256:${createHash('sha256').update(unique).digest('hex')}`,
      revision: createHash('sha256').update(`config ${unique}`).digest('hex'),
      createdAt: (this.#host.keepsTagCreation() ? repository.tags.get(name)?.createdAt : undefined) ?? this.#host.now(),
      publishedAt: this.#host.now(),
      totalSize: 12_345_678,
      isBroken: false,
      isMultiArch: false,
      ...image,
    };
    repository.tags.set(name, tag);
    repository.pushes.set(name, [...(repository.pushes.get(name) ?? []), tag]);
    return tag;
  }

  /** Points a tag at an image that it pointed to before. Returns false when there is none. */
  rollBackTag(
    repository: FakeImageRepository,
    name: string,
    choose: (images: readonly FakeTag[]) => FakeTag = ([first]) => first as FakeTag,
  ): boolean {
    const now = repository.tags.get(name);
    const former = (repository.pushes.get(name) ?? []).filter(({ digest }) => digest !== now?.digest);
    if (!now || former.length === 0) return false;
    const { digest, revision, createdAt, totalSize } = choose(former);
    this.pushTag(repository, name, { digest, revision, createdAt, totalSize });
    return true;
  }

  deleteTag(repository: FakeImageRepository, name: string): void {
    repository.tags.delete(name);
  }
}

function remove<T>(rows: T[], row: T): void {
  const index = rows.indexOf(row);
  if (index >= 0) rows.splice(index, 1);
}
