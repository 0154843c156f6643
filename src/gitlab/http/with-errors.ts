import {
  ForbiddenError,
  GitlabRequestError,
  InvalidResponseError,
  NotFoundError,
  RateLimitedError,
  ServerError,
  UnauthorizedError,
} from '../../errors.ts';
import type { RequestFailure } from '../../errors.ts';
import { printable } from '../../printable.ts';
import type { Fetch } from './fetch.ts';
import { TextResponse } from './text-response.ts';
import { longestWaitMs, retryAfterMsOf, spanText } from '../limits/retry-after.ts';

/** Turns every answer that is not the JSON that was asked for into an error of its own class. */
export function withErrors(fetch: Fetch): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    const requestId = printable(response.headers.get('x-request-id') ?? '').slice(0, 100);
    const failure = { operation: init.operation, status: response.status, ...(requestId ? { requestId } : {}) };
    if (!response.ok) throw await errorFor(response, failure);
    return wholeJson(response, new URL(url).origin, failure);
  };
}

async function wholeJson(response: Response, origin: string, failure: RequestFailure): Promise<Response> {
  const { operation } = failure;
  const type = response.headers.get('content-type') ?? '';
  if (!type.includes('json')) {
    const answered = type === '' ? 'something without a type' : type.split(';')[0];
    throw new InvalidResponseError(`${origin} answered ${operation} with ${answered}, not JSON: is the URL that of a GitLab?`, failure);
  }
  const { status, headers } = response;
  const text = await response.text();
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new InvalidResponseError(`${origin} answered ${operation} with JSON that is cut off: a proxy or the network drops parts of it`, {
      ...failure,
      cause,
      isTruncated: true,
    });
  }
  return new TextResponse(text, { status, headers });
}

async function errorFor(response: Response, failure: RequestFailure & { status: number }): Promise<GitlabRequestError> {
  const { operation, status } = failure;
  const said = await reasonIn(response);
  const retryAfterMs = retryAfterMsOf(response.headers);
  const told = { ...failure, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (retryAfterMs !== undefined && retryAfterMs > longestWaitMs && (status === 429 || status >= 500)) {
    const waits = `${spanText(retryAfterMs)} (${status} on ${operation}${said}), and a request waits ${spanText(longestWaitMs)} at the most`;
    return new RateLimitedError(`GitLab asks to wait ${waits}: run again later, or less often`, told);
  }
  switch (status) {
    case 401:
      return new UnauthorizedError(
        `GitLab refused the token (401 on ${operation}${said}): it may be wrong, expired or revoked, or lack the scope read_api`,
        failure,
      );
    case 403:
      return new ForbiddenError(
        `GitLab forbids ${operation} (403${said}): the token needs the scope read_api and, in private projects, the role Reporter`,
        failure,
      );
    case 404:
      return new NotFoundError(`GitLab does not know ${operation} (404${said}), or this token may not see it`, failure);
    case 407:
      return new GitlabRequestError(`a proxy wants a user name and a password (407 on ${operation}): put them into its URL`, failure);
    case 429:
      return new RateLimitedError(
        `GitLab limits the rate of requests (429 on ${operation}${said}): read less often, or set a lower MAX_REQUESTS_PER_MINUTE`,
        told,
      );
    default:
      if (status >= 500)
        return new ServerError(`GitLab failed on ${operation} (${status}${said}): it is overloaded, or down; try again later`, told);
      if (status >= 300 && status < 400) return redirectError(response, failure);
      return new GitlabRequestError(
        `GitLab refused ${operation} (${status}${said}): a proxy may be in the way, or this GitLab too old or too new`,
        failure,
      );
  }
}

/** Redirects are not followed: the token goes to the configured address and to no other. */
function redirectError(response: Response, failure: RequestFailure): InvalidResponseError {
  const location = response.headers.get('location') ?? 'an unnamed place';
  const target = URL.canParse(location) ? new URL(location).origin : location.split(/[?#]/)[0];
  return new InvalidResponseError(`GitLab redirects ${failure.operation} to ${target}: set the URL to where it really is`, failure);
}

/** GitLab's own one-line reason out of an error body, in any of its shapes: `: 404 Project Not Found`, or nothing. */
async function reasonIn(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Reason & { message?: unknown };
    const nested = Object(body.message) as Reason;
    const reasons = [body.errors?.[0]?.message, body.error_description, body.message, body.error, nested.error];
    const reason = reasons.find((item) => typeof item === 'string');
    return typeof reason === 'string' ? `: ${reason.replaceAll(/\s+/g, ' ').slice(0, 200)}` : '';
  } catch {
    return ''; // The HTML page of a proxy holds no reason that fits in one line.
  }
}

interface Reason {
  readonly error?: unknown;
  readonly error_description?: unknown;
  readonly errors?: ReadonlyArray<{ readonly message?: unknown }>;
}
