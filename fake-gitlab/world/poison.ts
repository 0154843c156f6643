/** Kinds of objects that can have a fault. */
export type ObjectType =
  | 'project'
  | 'mergeRequest'
  | 'pipeline'
  | 'job'
  | 'release'
  | 'deployment'
  | 'containerRepository'
  | 'tag'
  | 'commit';

/** How GitLab fails to answer for one object, while it answers for all others. */
export type Failure =
  /** GraphQL: the object is null, with an error. REST: 404 for the object alone, 500 for a list with the object in it. */
  | 'null-node'
  /** Nullable fields are null, with an error in GraphQL: `Timeout on MergeRequest.diffStats`. */
  | 'null-field'
  /** Fields are null without an error, as GitLab answers what it does not know; where GraphQL allows no null, the nearest parent is null with an error. */
  | 'silent-null'
  /** GraphQL: the limit of 30 seconds is reached in this object, and every later field fails too. REST: a 504 page of a proxy. */
  | 'timeout'
  /** The request fails as a whole. */
  | 'error-500'
  | '502-html'
  | 'statement-timeout-503'
  /** The JSON ends too early. */
  | 'cut-off';

/** A fault of a single object. All given names must match the object. */
export interface Poison {
  readonly type: ObjectType;
  readonly how: Failure;
  /** Id of a merge request, pipeline, job, release, deployment, repository or project. */
  readonly id?: number;
  /** Number of a merge request, pipeline or deployment in its project. */
  readonly iid?: number;
  /** Name of a tag, a release's tag or a job, path of a repository or project, or sha of a commit. */
  readonly name?: string;
  /** Id of the object's project. */
  readonly projectId?: number;
  /**
   * The fields that fail. GitLab answers a request without these fields. Default: all fields except `lightFields`, and for nulls
   * the field in `nullableField`. `all`: a request for the id alone fails too.
   */
  readonly fields?: readonly string[] | 'all';
}

/** All names of an object. */
export interface Subject {
  readonly type: ObjectType;
  readonly projectId: number;
  readonly id?: number;
  readonly iid?: number;
  readonly name?: string;
}

/** Columns of the object's own row, which a page of ids requests. A fault affects them only with `all`. */
export const lightFields: Readonly<Record<ObjectType, readonly string[]>> = {
  project: ['id', 'fullPath'],
  mergeRequest: ['id', 'iid', 'createdAt', 'updatedAt'],
  pipeline: ['id', 'iid', 'createdAt', 'updatedAt'],
  job: ['id', 'name'],
  release: ['tagName', 'createdAt'],
  // What the last deployments of an environment are asked for.
  deployment: ['iid', 'status', 'updatedAt', 'finishedAt'],
  containerRepository: ['id'],
  tag: ['name', 'path', 'location'],
  commit: [],
};

/** The field that is null when a fault names no field. */
export const nullableField: Readonly<Record<ObjectType, string>> = {
  project: 'mergeRequests',
  mergeRequest: 'diffStats',
  pipeline: 'jobs',
  job: 'stage',
  release: 'commit',
  deployment: 'job',
  containerRepository: 'updatedAt',
  tag: 'digest',
  commit: 'stats',
};

/** The faults of single objects in a world. */
export class Poisons {
  readonly #poisons = new Set<Poison>();

  get isEmpty(): boolean {
    return this.#poisons.size === 0;
  }

  /** Gives an object a fault. Returns a function that removes the fault. */
  add(poison: Poison): () => void {
    this.#poisons.add(poison);
    return () => this.#poisons.delete(poison);
  }

  clear(): void {
    this.#poisons.clear();
  }

  /** The first fault of an object that affects a request for these fields. */
  of(subject: Subject, fields: readonly string[]): Poison | undefined {
    return [...this.#poisons].find((poison) => isOf(poison, subject) && fields.some((field) => reaches(poison, field)));
  }
}

function isOf({ type, projectId, id, iid, name }: Poison, subject: Subject): boolean {
  const isSame = (wanted: unknown, found: unknown) => wanted === undefined || wanted === found;
  return (
    type === subject.type &&
    isSame(projectId, subject.projectId) &&
    isSame(id, subject.id) &&
    isSame(iid, subject.iid) &&
    isSame(name, subject.name)
  );
}

/** Whether a fault affects a request for a field of its object. */
export function reaches({ type, how, fields }: Poison, field: string): boolean {
  if (fields === 'all') return true;
  if (fields) return fields.includes(field);
  if (how === 'null-field' || how === 'silent-null') return field === nullableField[type];
  // Git reads a commit fast. Only the stats are slow.
  return type === 'commit' ? field === 'stats' : !lightFields[type].includes(field);
}
