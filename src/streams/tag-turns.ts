import type { TagLook } from '../walk-state.ts';

/** When the tags that were pushed last were pushed, by name, and to which image. Empty where GitLab does not know. */
export type PushTimes = ReadonlyMap<string, { readonly digest: string | null; readonly at: Date }>;

/** The tags of a container repository, and how many of them may be looked at. */
export interface Tags {
  readonly names: readonly string[];
  readonly times: PushTimes;
  readonly known: readonly TagLook[];
  readonly isFirstSight: boolean;
  readonly limit: number;
  readonly checks: number;
  /** The same for tags that were left out, of which there may be very many. */
  readonly leftOutChecks: number;
  readonly isWaiting: (name: string) => boolean;
}

/** Which tags are looked at now, which are only noted, and which are gone. */
export function turnOf({ names, times, known, isFirstSight, limit, checks, leftOutChecks, isWaiting }: Tags) {
  const byName = new Map(known.map((look) => [look.name, look]));
  const present = new Set(names);
  const isStored = (name: string) => byName.get(name)?.isLeftOut === false;
  // What is stored counts; a tag that was left out comes when there is room.
  const room = Math.max(0, limit - names.filter(isStored).length);
  const candidates = isFirstSight ? names : names.filter((name) => byName.get(name)?.isLeftOut === true);
  const first = new Set(byImportance(candidates, times).slice(0, room));
  const isNew = (name: string) => !byName.has(name) || first.has(name);
  const fresh = names.filter((name) => isNew(name) && (!isFirstSight || first.has(name)));
  const there = known.filter(({ name }) => present.has(name) && !isNew(name));
  const again = there.filter((look) => look.isBroken && !look.isLeftOut && !isWaiting(look.name)).map(({ name }) => name);
  const isDue = ({ name, lookedAt, isLeftOut }: TagLook) => lookedAt !== null && !isLeftOut && !again.includes(name);
  const due = there.filter(isDue).toSorted(byTurn).slice(0, checks);
  // Of the looks that names that move leave, half are for tags that were left out, and more where there are few others.
  const moving = due.filter(({ name }) => isMoving(name)).length;
  const free = Math.max(0, leftOutChecks - moving);
  const others = free - Math.min(due.length - moving, Math.ceil(free / 2));
  const unstored = there
    .filter(({ isLeftOut }) => isLeftOut)
    .toSorted(byTurn)
    .slice(0, others);
  const looks = Number.isFinite(checks) ? Math.max(0, checks - unstored.length) : checks;
  return {
    toLook: [...byImportance(fresh, times), ...again, ...due.slice(0, looks).map(({ name }) => name), ...unstored.map(({ name }) => name)],
    leftOut: isFirstSight ? names.filter((name) => !first.has(name)) : [],
    removed: known.filter(({ name }) => !present.has(name)).map(({ name }) => name),
    isWanted: (name: string) => first.has(name),
  };
}

/** Names that move come in every pass, as far as the looks go; then those whose last look is the longest ago. */
const byTurn = (a: TagLook, b: TagLook): number =>
  Number(isMoving(b.name)) - Number(isMoving(a.name)) || (a.lookedAt?.getTime() ?? 0) - (b.lookedAt?.getTime() ?? 0);

/** Names that move, then the last pushed, then the highest versions: GitLab's list has no dates. */
function byImportance(names: readonly string[], times: PushTimes): string[] {
  const timeOf = (name: string) => (isMoving(name) ? Number.MAX_VALUE : (times.get(name)?.at.getTime() ?? 0));
  return names.toSorted((a, b) => timeOf(b) - timeOf(a) || b.localeCompare(a, 'en', { numeric: true }));
}

/** Whether a name is made to move, such as `latest` or `prod`: it is neither a version nor a hash. */
const isMoving = (name: string): boolean => !/^v?\d+([.+_-].*)?$/i.test(name) && !/^(sha-)?[0-9a-f]{7,64}$/.test(name);

/** Whether a tag is a signature, an attestation or an SBOM of an image. */
export const isArtifact = (name: string): boolean => /^sha256-[0-9a-f]{64}\.(sig|att|sbom)$/.test(name);
