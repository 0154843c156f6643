import { streams } from '../../streams/index.ts';

/** How a kind of change looks and reads on the page. */
export interface Kind {
  /** The value in URLs, such as `mr`; also the name of its colour and its shape. */
  readonly key: string;
  /** The word in titles, which readTimeline takes, such as `MR`. */
  readonly type: string;
  /** The word that people read. */
  readonly word: string;
}

const words: Readonly<Record<string, string>> = { mr: 'merge request' };

/** Every kind of change, in the order of the filter. */
export const kinds: readonly Kind[] = streams.map(({ type }) => {
  const key = type.toLowerCase();
  return { key, type, word: words[key] ?? key };
});

const byStream = new Map(streams.map(({ name, type }) => [name, kinds.find((kind) => kind.type === type)]));
const other: Kind = { key: 'other', type: '', word: 'change' };

/** The kind of the changes of a stream. */
export const kindOf = (stream: string | null): Kind => byStream.get(stream ?? '') ?? other;

/** What a change means for the reader. Only `bad` is red. */
export type Tone = 'bad' | 'good' | 'plain';

/** What decides the tone of a change. */
interface Toned {
  readonly stream: string | null;
  readonly status: string;
  readonly headline: string;
}

/** `bad`: failed, or rolled back. `good`: a pipeline that passed, a deployment that succeeded, a merge. */
export function toneOf({ stream, status, headline }: Toned): Tone {
  if (isRollBack({ stream, headline })) return 'bad';
  if (stream === 'pipelines' || stream === 'deployments') return status === 'failed' ? 'bad' : status === 'success' ? 'good' : 'plain';
  return stream !== 'merge-requests' && status === 'failed' ? 'bad' : 'plain';
}

/** Whether a change says that a tag points again to an earlier image, or that a deployment brought back an earlier commit. No name of an environment has an arrow. */
export const isRollBack = ({ stream, headline }: Pick<Toned, 'stream' | 'headline'>): boolean =>
  (stream === 'registry-images' && / rolled back → [0-9a-f]+( \(was [0-9a-f]+\))?$/.test(headline)) ||
  (stream === 'deployments' && /^[^←]* rolled back ← /.test(headline));
