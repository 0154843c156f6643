import type { Json, JsonObject } from './change-event.ts';

/** One version of an event: what a change is made of. */
export interface VersionedEvent {
  readonly stream: string;
  readonly title: string;
  /** The event's status in this version. */
  readonly status: string;
  readonly author: string;
  /** Of this version, with `failed_jobs` of the description. */
  readonly metadata: JsonObject;
  /** Differences from the version before; null in the first. */
  readonly changes: Readonly<Record<string, { readonly old: Json; readonly new: Json }>> | null;
  /** Whether the tag of an image had pointed to this image before. */
  readonly isRollBack: boolean;
}

/** What a version says in one line. `isNoise`: only votes, comments and what GitLab computes have changed. */
export interface Headline {
  readonly text: string;
  readonly isNoise: boolean;
}

/** The change that a version is, in one line without the project's path, such as `merged !12 into main by grace`. */
export function headlineOf(event: VersionedEvent): Headline {
  const { changes, stream } = event;
  if (changes?.['status']?.new === 'deleted') return { text: `deleted: ${nameOf(event)}`, isNoise: false };
  const parts = stream in headlines ? (headlines[stream]?.(event, changes ?? {}) ?? []) : [];
  if (parts.length > 0) return { text: parts.join('; '), isNoise: false };
  return { text: `${nameOf(event)}: ${Object.keys(changes ?? {}).join(', ') || event.status}`, isNoise: true };
}

type Changes = NonNullable<VersionedEvent['changes']>;

const headlines: Readonly<Record<string, (event: VersionedEvent, changes: Changes) => string[]>> = {
  'merge-requests': mergeRequest,
  pipelines: pipeline,
  releases: release,
  commits: ({ metadata, title, changes }) =>
    changes ? [] : [`${text(metadata['sha']).slice(0, 8)} on ${text(metadata['branch'])}: ${bare(title)}`],
  'registry-images': image,
};

function mergeRequest(event: VersionedEvent, changes: Changes): string[] {
  const { metadata, title, status } = event;
  const iid = `!${text(metadata['mr_iid'])}`;
  if (event.changes === null) return [stateOf(event, `${iid} ${bare(title)}`, false)];
  const parts: string[] = [];
  if (changes['status']) parts.push(stateOf(event, iid, status === 'opened'));
  const { target_branch: target, approved_count: approvals, head_sha: head, draft, title: titles, labels } = changes;
  if (target) parts.push(`retargeted ${iid}: ${text(target.old)} → ${text(target.new)}`);
  if (approvals && Number(approvals.new) > Number(approvals.old)) parts.push(`approved ${iid}${by(changes['approved_by'])}`);
  if (approvals && Number(approvals.new) < Number(approvals.old)) parts.push(`approval of ${iid} withdrawn`);
  if (head) parts.push(`pushed to ${iid}`);
  if (titles) parts.push(`retitled ${iid}: ${bare(text(titles.new))}`);
  if (labels) parts.push(`relabelled ${iid}`);
  if (draft) parts.push(draft.new === true ? `made ${iid} a draft` : `made ${iid} ready`);
  return parts;
}

function stateOf({ status, metadata }: VersionedEvent, what: string, isReopened: boolean): string {
  const mergedBy = text(metadata['merged_by']);
  if (status === 'merged') return `merged ${what} into ${text(metadata['target_branch'])}${mergedBy === '' ? '' : ` by ${mergedBy}`}`;
  return `${isReopened ? 'reopened' : status} ${what}`;
}

/** Who has approved that had not before. */
function by(approvedBy: Changes[string] | undefined): string {
  const before = new Set(texts(approvedBy?.old));
  const names = texts(approvedBy?.new).filter((name) => !before.has(name));
  return names.length === 0 ? '' : ` by ${names.join(', ')}`;
}

function pipeline({ metadata, status, changes: all }: VersionedEvent, changes: Changes): string[] {
  if (all !== null && !changes['status']) return [];
  const warnings = texts(metadata['warnings']);
  const state =
    status === 'running' ? 'started' : status === 'success' ? (warnings.length > 0 ? 'passed with warnings' : 'passed') : status;
  const jobs = status === 'success' ? warnings : status === 'failed' ? jobNames(metadata['failed_jobs']) : [];
  return [
    `pipeline #${text(metadata['pipeline_id'])} ${state} on ${text(metadata['ref'])}${jobs.length === 0 ? '' : `: ${jobs.join(', ')}`}`,
  ];
}

function release(event: VersionedEvent, changes: Changes): string[] {
  const [tag, name] = [text(event.metadata['tag_name']), bare(event.title)];
  const what = name === tag ? tag : `${tag} ${name}`;
  if (event.changes === null || changes['status']) return [event.status === 'upcoming' ? `announced ${what}` : `released ${what}`];
  return [`edited the release ${what}`];
}

function image({ metadata, changes, isRollBack }: VersionedEvent): string[] {
  if (changes !== null) return [];
  const was = text(metadata['previous_digest']);
  const arrow = isRollBack ? 'rolled back →' : '→';
  return [`${imageOf(metadata)} ${arrow} ${short(text(metadata['digest']))}${was === '' ? '' : ` (was ${short(was)})`}`];
}

const imageOf = (metadata: JsonObject) => `${text(metadata['image']).split('/').at(-1)}:${text(metadata['tag'])}`;
const short = (digest: string) => digest.slice(digest.indexOf(':') + 1).slice(0, 8);

/** What an event is about. */
function nameOf({ stream, metadata, title }: VersionedEvent): string {
  if (stream === 'merge-requests') return `merge request !${text(metadata['mr_iid'])}`;
  if (stream === 'pipelines') return `pipeline #${text(metadata['pipeline_id'])}`;
  if (stream === 'releases') return `release ${text(metadata['tag_name'])}`;
  if (stream === 'registry-images') return `image ${imageOf(metadata)}`;
  return bare(title);
}

/** A title without the prefix of its kind. */
const bare = (title: string) => title.replace(/^\[\w+\] /, '');
const text = (value: Json | undefined): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(text) : []);

const jobNames = (value: Json | undefined): string[] =>
  Array.isArray(value)
    ? value.flatMap((job: Json) => (typeof job === 'object' && job !== null && 'name' in job ? [text(job.name)] : []))
    : [];
