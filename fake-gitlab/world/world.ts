import { latest } from '../graphql/variant.ts';
import type { SchemaVariant } from '../graphql/variant.ts';
import { Poisons } from './poison.ts';
import { memento } from './memento.ts';
import { FakeProject } from './project.ts';
import { moment, seconds } from './time.ts';
import type { Micros } from './time.ts';

/** A token that a world knows: a personal one unless it says otherwise. Those of projects and groups are their bots' personal ones. */
export interface FakeToken {
  readonly state: 'active' | 'expired' | 'revoked';
  /** `granular` alone: a fine-grained token. */
  readonly scopes: readonly string[];
  readonly kind?: 'personal' | 'oauth';
  readonly name?: string;
  /** Whose it is. */
  readonly username?: string;
  readonly isAdmin?: boolean;
  /** A day, as in `2026-12-31`: the token ends when it begins. Null = never. */
  readonly expiresOn?: string | null;
  /** What is left of an OAuth token. Null = it never expires. */
  readonly expiresInSeconds?: number | null;
  /** Whether a fine-grained token may read about itself. */
  readonly readsItself?: boolean;
}

/** A token that every world takes. */
export const goodToken = 'glpat-a-good-token-of-the-fake';

export const isFineGrained = ({ scopes }: FakeToken): boolean => scopes.length === 1 && scopes[0] === 'granular';

/** Everything that a GitLab holds, in memory, to be changed while it serves. Time stands still unless told to pass. */
export class World {
  readonly projects: FakeProject[] = [];
  /** Faults of single objects. */
  readonly poisons = new Poisons();
  /** Groups whose SAML session has expired for the token: they and their projects are out of sight. */
  readonly expiredSessions = new Set<string>();
  /** Paths of groups that exist without projects; those with projects follow from the projects. */
  readonly emptyGroups = new Set<string>();
  /** What a query may cost; GitLab's prices change from version to version. */
  complexityLimit = 250;
  readonly tokens = new Map<string, FakeToken>([[goodToken, { state: 'active', scopes: ['read_api'] }]]);
  /** As the instance says it: with `-ee` behind it in Enterprise Edition. */
  version = '18.8.2-ee';
  /** Version and edition of the GitLab, as far as its GraphQL schema shows them. */
  schema: SchemaVariant = latest;
  /** Whether the registry has a metadata database, which keyset pages of tags need. */
  hasRegistryMetadata = true;
  /** Longest page of the lists of projects that are added from now on. */
  largestPage = 100;
  /**
   * How the details of a tag of several platforms are answered in REST: 500 in 18.10 to 19.1 without a metadata database,
   * 404 for OCI indexes in older versions.
   */
  multiArchDetails: 'described' | 'error-500' | 'not-found' = 'described';
  /** Whether a tag that moves keeps the time at which it was first made, as in registries with a metadata database. */
  keepsTagCreation = false;
  /** How an unknown branch is answered: versions differ. */
  unknownRef: 'not-found' | 'empty' = 'not-found';
  /** How the commits of a repository without any are answered: newer versions give an empty list, and say that it exists. */
  emptyRepository: 'not-found' | 'empty' = 'not-found';
  /** How far the clock behind the `Date` header is ahead of the clock that stamps rows: a web server's or a balancer's. */
  dateAhead: Micros = 0;
  /** Whether answers have a `Date` header. */
  sendsDate = true;
  /** How far the clock of the worker that stamps pipelines and jobs is ahead of the clock that stamps everything else. */
  workerAhead: Micros = 0;
  #now: Micros;
  #ahead: Micros = 0;
  readonly #ids = new Map<string, number>();

  constructor(startsAt = '2026-11-23T08:00:00Z') {
    this.#now = moment(startsAt);
  }

  get now(): Micros {
    return this.#now;
  }

  /** Lets time pass, with a fraction of a second that no whole-second clock shows. */
  pass(span: Micros = seconds(1)): void {
    this.#now += span + 1_237;
  }

  /** Runs a change that notes an earlier time than that at which it can be seen: a transaction that was committed late. */
  commitLate<T>(lag: Micros, change: () => T): T {
    return this.stampAhead(-lag, change);
  }

  /** Runs a change on a node whose clock is ahead: its rows note a later time than those of the other nodes. */
  stampAhead<T>(ahead: Micros, change: () => T): T {
    this.#ahead = ahead;
    try {
      return change();
    } finally {
      this.#ahead = 0;
    }
  }

  addProject(fullPath: string): FakeProject {
    const host = {
      now: () => this.#now + this.#ahead,
      workerNow: () => this.#now + this.#ahead + this.workerAhead,
      nextId: (kind: string) => this.#nextId(kind),
      poisons: this.poisons,
      keepsTagCreation: () => this.keepsTagCreation,
    };
    const project = new FakeProject(host, fullPath);
    project.largestPage = this.largestPage;
    this.projects.push(project);
    return project;
  }

  /** What the token sees. */
  get visibleProjects(): readonly FakeProject[] {
    return this.projects.filter(({ role, fullPath }) => role !== 'none' && !this.isSessionExpired(fullPath));
  }

  /** Whether a path is that of a group whose SAML session has expired, or is below one. */
  isSessionExpired(path: string): boolean {
    return [...this.expiredSessions].some((group) => `${path}/`.toLowerCase().startsWith(`${group}/`.toLowerCase()));
  }

  /**
   * Makes a backup. What comes back restores it: rows, ids and numbers are as they were, and the clock goes on. What was
   * made since is gone, and its ids and numbers are given again. Rows stay the same objects.
   */
  snapshot(): () => void {
    const projects = [...this.projects];
    const restores = [memento(this.emptyGroups), ...projects.map((project) => project.snapshot())];
    const ids = [...this.#ids].filter(([kind]) => kind !== 'Image');
    return () => {
      this.projects.splice(0, this.projects.length, ...projects);
      for (const restore of restores) restore();
      for (const kind of this.#ids.keys()) if (kind !== 'Image') this.#ids.delete(kind);
      for (const [kind, id] of ids) this.#ids.set(kind, id);
    };
  }

  deleteProject(project: FakeProject): void {
    this.projects.splice(this.projects.indexOf(project), 1);
  }

  #nextId(kind: string): number {
    const id = (this.#ids.get(kind) ?? 100) + 1;
    this.#ids.set(kind, id);
    return id;
  }
}
