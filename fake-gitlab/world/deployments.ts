import type { ProjectHost } from './project.ts';
import type { FakeDeployment, FakeEnvironment, FakePipeline } from './records.ts';
import { shaOf } from './sha.ts';

/** Statuses with which a deployment is over. */
export const finishedStatuses: ReadonlySet<string> = new Set(['SUCCESS', 'FAILED', 'CANCELED']);

/** What a deployment is made of. Without a pipeline it is one that somebody has noted with the API. */
export interface NewDeployment extends Partial<Pick<FakeDeployment, 'ref' | 'isTag' | 'sha' | 'user' | 'job'>> {
  readonly pipeline?: FakePipeline;
}

/** The environments of a project and what was deployed to them. */
export class FakeDeployments {
  readonly environments: FakeEnvironment[] = [];
  readonly rows: FakeDeployment[] = [];
  lastIid = 0;
  readonly #host: ProjectHost;

  constructor(host: ProjectHost) {
    this.#host = host;
  }

  addEnvironment(name: string, rest: Partial<Pick<FakeEnvironment, 'tier'>> = {}): FakeEnvironment {
    const now = this.#host.now();
    const environment: FakeEnvironment = {
      id: this.#host.nextId('Environment'),
      name,
      tier: name.startsWith('prod') ? 'PRODUCTION' : name.startsWith('stag') ? 'STAGING' : 'OTHER',
      state: 'available',
      updatedAt: now,
      ...rest,
    };
    this.environments.push(environment);
    return environment;
  }

  /** Creates a deployment, as the beginning of its pipeline does. The job waits. */
  create(environment: FakeEnvironment, { pipeline, job, ...rest }: NewDeployment = {}): FakeDeployment {
    const now = this.#host.workerNow();
    const iid = ++this.lastIid;
    const deployment: FakeDeployment = {
      id: this.#host.nextId('Deployment'),
      iid,
      environmentId: environment.id,
      status: 'CREATED',
      ref: pipeline?.ref ?? 'main',
      isTag: pipeline?.isTag ?? false,
      sha: pipeline?.sha ?? shaOf(`deployment ${environment.id} ${iid}`),
      createdAt: now,
      updatedAt: now,
      finishedAt: null,
      user: pipeline?.user ?? 'ada',
      job: pipeline ? (job ?? { id: this.#host.nextId('Job'), name: `deploy ${environment.name}` }) : null,
      pipelineId: pipeline?.id ?? null,
      ...rest,
    };
    this.rows.push(deployment);
    return deployment;
  }

  /** Gives a deployment another status. One that succeeds starts its environment again. */
  move(deployment: FakeDeployment, status: FakeDeployment['status']): void {
    const now = this.#host.workerNow();
    Object.assign(deployment, { status, updatedAt: now, ...(finishedStatuses.has(status) ? { finishedAt: now } : {}) });
    const environment = this.environmentOf(deployment);
    if (environment && status === 'SUCCESS') Object.assign(environment, { state: 'available', updatedAt: now });
  }

  /** Creates a deployment that has ended already. */
  deploy(environment: FakeEnvironment, what: NewDeployment = {}, status: FakeDeployment['status'] = 'SUCCESS'): FakeDeployment {
    const deployment = this.create(environment, what);
    this.move(deployment, status);
    return deployment;
  }

  environmentOf({ environmentId }: FakeDeployment): FakeEnvironment | undefined {
    return this.environments.find(({ id }) => id === environmentId);
  }

  stop(environment: FakeEnvironment): void {
    Object.assign(environment, { state: 'stopped', updatedAt: this.#host.now() });
  }

  /** Deletes an environment with its deployments. */
  remove(environment: FakeEnvironment): void {
    const kept = this.rows.filter(({ environmentId }) => environmentId !== environment.id);
    this.rows.splice(0, this.rows.length, ...kept);
    this.environments.splice(this.environments.indexOf(environment), 1);
  }
}
