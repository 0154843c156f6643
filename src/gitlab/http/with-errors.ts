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

/** Throws an error with a class of its own for every answer that is not successful or not JSON. */
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
    throw new InvalidResponseError(
      `${origin} answered ${operation} with ${answered}, not JSON: check that the URL is the URL of a GitLab`,
      failure,
    );
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
    const waits = `${spanText(retryAfterMs)} (${status} on ${operation}${said}), and a request waits at most ${spanText(longestWaitMs)}`;
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
      return new GitlabRequestError(`a proxy requires a user name and a password (407 on ${operation}): put them into its URL`, failure);
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
        `GitLab refused ${operation} (${status}${said}): a proxy may have changed the request, or this GitLab may be too old or too new`,
        failure,
      );
  }
}

/** Redirects are not followed, because the token may only go to the configured address. */
function redirectError(response: Response, failure: RequestFailure): InvalidResponseError {
  const location = response.headers.get('location') ?? 'an unnamed place';
  const target = URL.canParse(location) ? new URL(location).origin : location.split(/[?#]/)[0];
  return new InvalidResponseError(`GitLab redirects ${failure.operation} to ${target}: set the URL to the new address`, failure);
}

/** GitLab's reason from an error body of any known shape, in one line: `: 404 Project Not Found`. Empty when there is none. */
async function reasonIn(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Reason & { message?: unknown };
    const nested = Object(body.message) as Reason;
    const reasons = [body.errors?.[0]?.message, body.error_description, body.message, body.error, nested.error];
    const reason = reasons.find((item) => typeof item === 'string');
    return typeof reason === 'string' ? `: ${reason.replaceAll(/\s+/g, ' ').slice(0, 200)}` : '';
  } catch {
    return ''; // Not JSON, such as the HTML page of a proxy.
  }
}

interface Reason {
  readonly error?: unknown;
  readonly error_description?: unknown;
  readonly errors?: ReadonlyArray<{ readonly message?: unknown }>;
}
