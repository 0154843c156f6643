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
import type { Fetch } from './fetch.ts';
import { parseRetryAfter } from './with-retry.ts';

/** Turns every answer that is not the JSON that was asked for into an error of its own class. */
export function withErrors(fetch: Fetch): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    const requestId = response.headers.get('x-request-id');
    const failure = { operation: init.operation, status: response.status, ...(requestId ? { requestId } : {}) };
    if (!response.ok) throw await errorFor(response, failure);
    const type = response.headers.get('content-type') ?? '';
    if (!type.includes('json')) {
      const answered = type === '' ? 'something without a type' : type.split(';')[0];
      throw new InvalidResponseError(
        `${new URL(url).origin} answered ${init.operation} with ${answered}, not JSON: is the URL that of a GitLab?`,
        failure,
      );
    }
    return response;
  };
}

async function errorFor(response: Response, failure: RequestFailure & { status: number }): Promise<GitlabRequestError> {
  const { operation, status } = failure;
  const said = await reasonIn(response);
  switch (status) {
    case 401:
      return new UnauthorizedError(
        `GitLab refused the token (401 on ${operation}${said}): it may be wrong, expired or revoked, or lack the scope read_api`,
        failure,
      );
    case 403:
      return new ForbiddenError(`GitLab forbids ${operation} (403${said}): the token's role or scope does not allow it`, failure);
    case 404:
      return new NotFoundError(`GitLab does not know ${operation} (404${said}), or this token may not see it`, failure);
    case 429: {
      const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'));
      return new RateLimitedError(
        `GitLab limits the rate of requests (429 on ${operation}): read less often, or with a lower CONCURRENCY`,
        {
          ...failure,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        },
      );
    }
    default:
      if (status >= 500) return new ServerError(`GitLab failed on ${operation} (${status}${said})`, failure);
      if (status >= 300 && status < 400) return redirectError(response, failure);
      return new GitlabRequestError(`GitLab refused ${operation} (${status}${said})`, failure);
  }
}

/** Redirects are not followed: the token goes to the configured address and to no other. */
function redirectError(response: Response, failure: RequestFailure): InvalidResponseError {
  const location = response.headers.get('location') ?? 'an unnamed place';
  const target = URL.canParse(location) ? new URL(location).origin : location;
  return new InvalidResponseError(`GitLab redirects ${failure.operation} to ${target}: set the URL to where it really is`, failure);
}

/** GitLab's own one-line reason out of an error body, in any of its shapes: `: 404 Project Not Found`, or nothing. */
async function reasonIn(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as {
      message?: unknown;
      error?: unknown;
      error_description?: unknown;
      errors?: Array<{ message?: unknown }>;
    };
    const reason = [body.errors?.[0]?.message, body.error_description, body.message, body.error].find((item) => typeof item === 'string');
    return typeof reason === 'string' ? `: ${reason.replaceAll(/\s+/g, ' ').slice(0, 200)}` : '';
  } catch {
    return ''; // HTML of a proxy: nothing in it is worth a line.
  }
}
