import type { FakeWebhook } from '../rest/webhooks.ts';
import { latest } from '../graphql/variant.ts';
import type { SchemaVariant } from '../graphql/variant.ts';
import { Poisons } from './poison.ts';
import { memento } from './memento.ts';
import { FakeProject } from './project.ts';
import { moment, seconds } from './time.ts';
import type { Micros } from './time.ts';

/** A token of a world, a personal access token by default. Project and group access tokens are personal tokens of bots. */
export interface FakeToken {
  readonly state: 'active' | 'expired' | 'revoked';
  /** `granular` alone: a fine-grained token. */
  readonly scopes: readonly string[];
  readonly kind?: 'personal' | 'oauth';
  readonly name?: string;
  /** The token's user. */
  readonly username?: string;
  readonly isAdmin?: boolean;
  /** A day, such as `2026-12-31`: the token expires at the start of this day. Null = never. */
  readonly expiresOn?: string | null;
  /** Remaining time of an OAuth token. Null = the token never expires. */
  readonly expiresInSeconds?: number | null;
  /** Whether a fine-grained token may read about itself. */
  readonly readsItself?: boolean;
}

/** A token that is valid in every world. */
export const goodToken = 'glpat-a-good-token-of-the-fake';

export const isFineGrained = ({ scopes }: FakeToken): boolean => scopes.length === 1 && scopes[0] === 'granular';

/** The content of a GitLab, in memory. Tests change it while the GitLab serves. Time passes only when a test says so. */
export class World {
  readonly projects: FakeProject[] = [];
  /** Faults of single objects. */
  readonly poisons = new Poisons();
  /** Groups whose SAML session has expired for the token: GitLab hides these groups and their projects. */
  readonly expiredSessions = new Set<string>();
  /** Paths of groups without projects. All other groups follow from the paths of the projects. */
  readonly emptyGroups = new Set<string>();
  /** Webhooks by path of the project or the group, where the token may see them: as a maintainer of the project, an owner of the group. */
  readonly webhooks = new Map<string, FakeWebhook[]>();
  /** Largest complexity of a query. */
  complexityLimit = 250;
  readonly tokens = new Map<string, FakeToken>([[goodToken, { state: 'active', scopes: ['read_api'] }]]);
  /** The version as GitLab names it: with the suffix `-ee` in Enterprise Edition. */
  version = '18.8.2-ee';
  /** Version and edition of the GitLab, as far as its GraphQL schema shows them. */
  schema: SchemaVariant = latest;
  /** Whether the registry has a metadata database, which keyset pages of tags need. */
  hasRegistryMetadata = true;
  /** Largest page of the lists of projects that are added later. */
  largestPage = 100;
  /**
   * How the details of a tag of several platforms are answered in REST: 500 in 18.10 to 19.1 without a metadata database,
   * 404 for OCI indexes in older versions.
   */
  multiArchDetails: 'described' | 'error-500' | 'not-found' = 'described';
  /** Whether a tag that moves keeps the time at which it was first made, as in registries with a metadata database. */
  keepsTagCreation = false;
  /** The answer for an unknown branch, which depends on the version. */
  unknownRef: 'not-found' | 'empty' = 'not-found';
  /** The answer for the commits of an empty repository. Newer versions return an empty list, and say that the repository exists. */
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

  /** Lets time pass, with a fraction of a second that times in whole seconds do not show. */
  pass(span: Micros = seconds(1)): void {
    this.#now += span + 1_237;
  }

  /** Runs a change whose time is earlier than the moment at which it becomes visible, as in a transaction that is committed late. */
  commitLate<T>(lag: Micros, change: () => T): T {
    return this.stampAhead(-lag, change);
  }

  /** Runs a change on a node whose clock is ahead, so that its rows get a later time than rows of other nodes. */
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

  /** The projects that the token may see. */
  get visibleProjects(): readonly FakeProject[] {
    return this.projects.filter(({ role, fullPath }) => role !== 'none' && !this.isSessionExpired(fullPath));
  }

  /** Whether a path is in `expiredSessions` or below a path in it. */
  isSessionExpired(path: string): boolean {
    return [...this.expiredSessions].some((group) => `${path}/`.toLowerCase().startsWith(`${group}/`.toLowerCase()));
  }

  /**
   * Makes a backup. Returns a function that restores the backup: rows, ids and numbers are as before, and the clock goes on.
   * Later rows are gone, and GitLab gives their ids and numbers again. Rows stay the same objects.
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
