import { UnreachableError, messageOf } from '../../errors.ts';
import type { Fetch } from './fetch.ts';

/**
 * Bounds a request and its whole answer to `timeoutMs`, and reads the answer's body, so that a connection that is cut
 * in the middle of it fails here. Throws UnreachableError; an abort of the caller's own signal passes through.
 */
export function withTimeout(fetch: Fetch, timeoutMs: number): Fetch {
  return async (url, init) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    try {
      const response = await fetch(url, { ...init, signal });
      const body = await response.arrayBuffer();
      const hasBody = body.byteLength > 0 && ![204, 205, 304].includes(response.status);
      return new Response(hasBody ? body : null, { status: response.status, headers: response.headers });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw unreachable(new URL(url), { operation: init.operation, cause, timeoutMs: timeout.aborted ? timeoutMs : undefined });
    }
  };
}

interface Failure {
  readonly operation: string;
  readonly cause: unknown;
  readonly timeoutMs: number | undefined;
}

function unreachable({ origin }: URL, { operation, cause, timeoutMs }: Failure): UnreachableError {
  if (timeoutMs !== undefined) {
    return new UnreachableError(`${origin} did not answer ${operation} within ${timeoutMs / 1000} s`, {
      operation,
      cause,
      code: 'TIMEOUT',
    });
  }
  const reason = rootOf(cause);
  const code = (reason as { code?: unknown }).code;
  const advice = adviceFor(typeof code === 'string' ? code : '');
  return new UnreachableError(`cannot reach ${origin} (${messageOf(reason)})${advice}`, {
    operation,
    cause,
    ...(typeof code === 'string' ? { code } : {}),
  });
}

/** fetch says only "fetch failed"; the reason is the cause, or the first of several attempts' causes. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? error : rootOf(cause);
}

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

function adviceFor(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return ': check the host name in the URL';
  if (certificateCodes.test(code)) return ': its certificate is not trusted here; name your CA file in NODE_EXTRA_CA_CERTS';
  return '';
}
