/** What a fault can be of. */
export type ObjectType = 'project' | 'mergeRequest' | 'pipeline' | 'job' | 'release' | 'containerRepository' | 'tag' | 'commit';

/** A way in which GitLab fails to answer an object, while everything else is in order. */
export type Failure =
  /** GraphQL: the object is null, with an error. REST: 404 for the object alone, 500 for a list with the object in it. */
  | 'null-node'
  /** Nullable fields are null, with an error in GraphQL: `Timeout on MergeRequest.diffStats`. */
  | 'null-field'
  /** Fields are null without an error, as GitLab answers what it does not know; where GraphQL allows no null, the nearest parent is null with an error. */
  | 'silent-null'
  /** GraphQL: the 30 seconds end in the object, and every field that comes later fails as well. REST: a proxy's 504 page. */
  | 'timeout'
  /** The request fails as a whole. */
  | 'error-500'
  | '502-html'
  | 'statement-timeout-503'
  /** The JSON ends too early. */
  | 'cut-off';

/** A fault of a single object. The names of the object that are given must all be the object's. */
export interface Poison {
  readonly type: ObjectType;
  readonly how: Failure;
  /** Of a merge request, pipeline, job, release, repository or project. */
  readonly id?: number;
  /** Of a merge request or pipeline. */
  readonly iid?: number;
  /** A release's tag, a tag, a job, the path of a repository or project, the sha of a commit. */
  readonly name?: string;
  /** The id of the project that the object is in. */
  readonly projectId?: number;
  /**
   * The fields that cost too much: a request without them is answered. Default: all but those that `lightFields` names, and
   * for nulls the one that `nullableField` names. `all`: a request for the id alone fails, too.
   */
  readonly fields?: readonly string[] | 'all';
}

/** An object by everything that it can be called. */
export interface Subject {
  readonly type: ObjectType;
  readonly projectId: number;
  readonly id?: number;
  readonly iid?: number;
  readonly name?: string;
}

/** Columns of the object's own row that a page of ids asks for: a fault leaves them alone unless it says `all`. */
export const lightFields: Readonly<Record<ObjectType, readonly string[]>> = {
  project: ['id', 'fullPath'],
  mergeRequest: ['id', 'iid', 'createdAt', 'updatedAt'],
  pipeline: ['id', 'iid', 'createdAt', 'updatedAt'],
  job: ['id', 'name'],
  release: ['tagName', 'createdAt'],
  containerRepository: ['id'],
  tag: ['name', 'path', 'location'],
  commit: [],
};

/** The field that is null where no other is named. */
export const nullableField: Readonly<Record<ObjectType, string>> = {
  project: 'mergeRequests',
  mergeRequest: 'diffStats',
  pipeline: 'jobs',
  job: 'stage',
  release: 'commit',
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

  /** Poisons an object. What comes back takes the poison away. */
  add(poison: Poison): () => void {
    this.#poisons.add(poison);
    return () => this.#poisons.delete(poison);
  }

  clear(): void {
    this.#poisons.clear();
  }

  /** The first fault of an object that a request for these fields of it meets. */
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

/** Whether a fault is met by a request for a field of its object. */
export function reaches({ type, how, fields }: Poison, field: string): boolean {
  if (fields === 'all') return true;
  if (fields) return fields.includes(field);
  if (how === 'null-field' || how === 'silent-null') return field === nullableField[type];
  // git reads a commit at once; what costs are the stats.
  return type === 'commit' ? field === 'stats' : !lightFields[type].includes(field);
}
