import type { IncomingMessage } from 'node:http';
import { projectIdOf } from './hook-body.ts';
import type { HookMetrics, HookResult } from './hook-metrics.ts';
import { tokenCheck } from './webhook-token.ts';

/** The status and the text of an answer. */
export interface HookAnswer {
  readonly status: number;
  readonly text: string;
}

/** Answers a request for `hookPath`. */
export type ReceiveHook = (request: IncomingMessage) => Promise<HookAnswer>;

/** What a receiver of hooks needs. */
export interface ReceiverOptions {
  /** What GitLab must send in `X-Gitlab-Token`. */
  readonly token: string;
  readonly metrics: Pick<HookMetrics, 'hooked'>;
  /** Called with the id of the project of an accepted hook. Must not wait for anything. */
  readonly onProject: (projectId: number) => void;
}

/** Bytes of a hook at most. What is larger is not read. */
const largestBody = 1_000_000;

const answers: Readonly<Record<HookResult, HookAnswer>> = {
  accepted: { status: 202, text: 'accepted' },
  // GitLab turns a hook off that is refused repeatedly.
  no_project: { status: 202, text: 'accepted' },
  too_large: { status: 202, text: `accepted, and not read: larger than ${largestBody} bytes` },
  unauthorized: { status: 401, text: 'unauthorized' },
  invalid: { status: 400, text: 'not a JSON object' },
};

/** A receiver of hooks. It answers before anything is read or stored. */
export function createReceiver({ token, metrics, onProject }: ReceiverOptions): ReceiveHook {
  const isToken = tokenCheck(token);
  const resultOf = async (request: IncomingMessage): Promise<HookResult> => {
    if (!isToken(request.headers['x-gitlab-token'])) return 'unauthorized';
    const body = await bodyOf(request);
    if (body === null) return 'too_large';
    const projectId = projectIdOf(body);
    if (projectId === undefined) return 'invalid';
    if (projectId === null) return 'no_project';
    onProject(projectId);
    return 'accepted';
  };
  return async (request) => {
    if (request.method !== 'POST') return { status: 405, text: 'only POST is supported' };
    const result = await resultOf(request);
    metrics.hooked(result);
    return answers[result];
  };
}

/** The body; null when it is too large. Of a request that ends early, what has come. */
function bodyOf(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > largestBody) return Promise.resolve(null);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= largestBody) chunks.push(chunk);
    else {
      // The rest is thrown away as it comes.
      chunks.length = 0;
      resolve(null);
    }
  });
  const end = () => resolve(Buffer.concat(chunks).toString('utf8'));
  request.on('end', end);
  request.on('close', end);
  request.on('error', end);
  return promise;
}
