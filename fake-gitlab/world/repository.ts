import { createHash } from 'node:crypto';
import type { Micros } from './time.ts';

/** A commit in a project's Git repository. */
export interface FakeCommit {
  readonly sha: string;
  readonly parents: readonly string[];
  readonly title: string;
  readonly message: string;
  readonly authorName: string;
  readonly authoredAt: Micros;
  readonly committedAt: Micros;
  readonly additions: number;
  readonly deletions: number;
}

/** What the caller gives for a new commit. The rest follows from the branch and the time. */
export interface NewCommit {
  readonly title: string;
  readonly body?: string;
  readonly authorName?: string;
  readonly authoredAt?: Micros;
  readonly committedAt?: Micros;
  readonly additions?: number;
  readonly deletions?: number;
  readonly parents?: readonly string[];
}

/** Which commits `git log` lists, by committer date. Both ends are inclusive. */
export interface LogRange {
  /** Stops at the first older commit on each path. Commits behind that commit are not listed, even when they are newer. */
  readonly since?: Micros | undefined;
  /** Leaves newer commits out, and goes on to their parents. */
  readonly until?: Micros | undefined;
}

/** A Git repository: commits, and branches and tags that point at them. */
export class FakeGit {
  readonly commits = new Map<string, FakeCommit>();
  readonly branches = new Map<string, string>();
  readonly tags = new Map<string, string>();
  /** False for a project whose repository was never created. */
  exists = true;
  readonly #now: () => Micros;
  #made = 0;

  constructor(now: () => Micros) {
    this.#now = now;
  }

  /** Adds a commit to a branch. Creates a missing branch. */
  commit(branch: string, { title, body, ...rest }: NewCommit): FakeCommit {
    const tip = this.branches.get(branch);
    const commit = this.add({ title, ...(body === undefined ? {} : { body }), parents: tip ? [tip] : [], ...rest });
    this.branches.set(branch, commit.sha);
    return commit;
  }

  /** Adds a commit that is on no branch yet. */
  add({ title, body, authorName, authoredAt, committedAt, additions, deletions, parents }: NewCommit): FakeCommit {
    const at = committedAt ?? this.#now();
    const message = body === undefined ? `${title}\n` : `${title}\n\n${body}\n`;
    const sha = createHash('sha1')
      .update(JSON.stringify([message, at, parents, this.#made++]))
      .digest('hex');
    const commit: FakeCommit = {
      sha,
      parents: parents ?? [],
      title,
      message,
      authorName: authorName ?? 'Ada Lovelace',
      authoredAt: authoredAt ?? at,
      committedAt: at,
      additions: additions ?? 1,
      deletions: deletions ?? 0,
    };
    this.commits.set(sha, commit);
    return commit;
  }

  /** Merges one branch into another with a merge commit. */
  merge(source: string, target: string, title: string): FakeCommit {
    const parents = [this.branches.get(target), this.branches.get(source)].filter((sha) => sha !== undefined);
    const commit = this.add({ title, parents, additions: 0 });
    this.branches.set(target, commit.sha);
    return commit;
  }

  /** Points a tag at a commit. */
  tag(name: string, sha: string): void {
    this.tags.set(name, sha);
  }

  /** Points a branch at any commit: a force-push, or a rollback. */
  reset(branch: string, sha: string): void {
    this.branches.set(branch, sha);
  }

  /** Deletes the commits that no branch and no tag reaches, as Git's housekeeping does after a while. */
  prune(): void {
    const kept = new Set([...this.branches.values(), ...this.tags.values()].flatMap((tip) => [...this.#ancestors(tip)]));
    for (const sha of this.commits.keys()) if (!kept.has(sha)) this.commits.delete(sha);
  }

  /**
   * Commits that `git log` lists for a ref or a range `a..b`: the tip first, then by committer date.
   * Null when the ref is unknown.
   */
  log(ref: string, range: LogRange = {}): FakeCommit[] | null {
    const [from, to] = ref.includes('..') ? ref.split('..') : [undefined, ref];
    const tip = this.resolve(to);
    const excluded = from === undefined ? new Set<string>() : this.#ancestors(this.resolve(from));
    if (!tip || (from !== undefined && !this.resolve(from))) return null;
    return this.#walk(tip, range).filter(({ sha }) => !excluded.has(sha));
  }

  /** Lists commits in git's order: from the tip, each time the newest commit that has a listed child. */
  #walk(tip: string, { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY }: LogRange): FakeCommit[] {
    const listed: FakeCommit[] = [];
    const seen = new Set([tip]);
    const open = [tip].flatMap((sha) => this.commits.get(sha) ?? []);
    for (let commit = open.shift(); commit; commit = open.shift()) {
      if (commit.committedAt < since) continue;
      if (commit.committedAt <= until) listed.push(commit);
      const parents = commit.parents.filter((sha) => !seen.has(sha)).flatMap((sha) => this.commits.get(sha) ?? []);
      for (const parent of parents) seen.add(parent.sha);
      open.push(...parents);
      open.sort((a, b) => b.committedAt - a.committedAt);
    }
    return listed;
  }

  /** The commit of a sha, `refs/heads/NAME`, `refs/tags/NAME`, or a bare name. A tag has priority over a branch with the same name. */
  resolve(ref: string | undefined): string | undefined {
    if (ref === undefined) return undefined;
    if (this.commits.has(ref)) return ref;
    const [, kind, name = ref] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
    const [tag, branch] = [this.tags.get(name), this.branches.get(name)];
    if (kind === 'heads') return branch;
    return kind === 'tags' ? tag : (tag ?? branch);
  }

  #ancestors(tip: string | undefined): Set<string> {
    const seen = new Set<string>();
    const open = tip ? [tip] : [];
    for (let sha = open.pop(); sha !== undefined; sha = open.pop()) {
      if (seen.has(sha)) continue;
      seen.add(sha);
      open.push(...(this.commits.get(sha)?.parents ?? []));
    }
    return seen;
  }
}
