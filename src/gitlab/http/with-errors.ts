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
    const { origin } = new URL(url);
    if (!response.ok) throw await errorFor(response, origin, failure);
    return wholeJson(response, origin, failure);
  };
}

async function wholeJson(response: Response, origin: string, failure: RequestFailure): Promise<Response> {
  const { operation } = failure;
  if (!typeOf(response).includes('json')) throw foreignError(response, origin, failure);
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

const typeOf = (response: Response): string => (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';

/** Whether an answer is a page. The API of GitLab answers with JSON, and with plain text to too many requests. */
const isPage = (response: Response, text: string): boolean =>
  /^\s*</.test(text) || (/html|xml/.test(typeOf(response)) && !/^\s*[{[]/.test(text));

const whatStands = 'a sign-in page, a firewall or a maintenance page, or no GitLab at all';

/** An answer that is not GitLab's says nothing about the token, its role, or what exists. */
function foreignError(response: Response, origin: string, failure: RequestFailure): InvalidResponseError {
  const what = `${response.status}, ${typeOf(response) || 'something without a type'} and not JSON`;
  const advice = 'let this machine through to GitLab, or check that the URL is the URL of a GitLab';
  return new InvalidResponseError(
    `something in front of GitLab answers ${failure.operation} at ${origin} (${what}): ${whatStands}; ${advice}`,
    failure,
  );
}

async function errorFor(response: Response, origin: string, failure: RequestFailure & { status: number }): Promise<GitlabRequestError> {
  const { operation, status } = failure;
  const text = await response.text();
  if (status >= 300 && status < 400) return redirectError(response, origin, failure);
  const isForeign = isPage(response, text);
  if (isForeign && status < 500 && status !== 407 && status !== 429) return foreignError(response, origin, failure);
  const said = isForeign ? ', not JSON' : reasonIn(text);
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
        `GitLab forbids ${operation} (403${said})${isReason(said) && !text.includes('insufficient_scope') ? '' : ': the token needs the scope read_api and, in private projects, the role Reporter'}`,
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
        return new ServerError(
          isForeign
            ? `something in front of GitLab answers ${operation} (${status}${said}): a maintenance page, or GitLab is down; try again later`
            : `GitLab failed on ${operation} (${status}${said}): it is overloaded, or down; try again later`,
          told,
        );
      return new GitlabRequestError(
        `GitLab refused ${operation} (${status}${said}): a proxy may have changed the request, or this GitLab may be too old or too new`,
        failure,
      );
  }
}

/** Redirects are not followed, because the token may only go to the configured address. Only a new address of the same host is advice. */
function redirectError(response: Response, origin: string, failure: RequestFailure): InvalidResponseError {
  const location = response.headers.get('location') ?? '';
  const target = location !== '' && URL.canParse(location, origin) ? new URL(location, origin) : null;
  const isSignIn = target !== null && /sign_?in|log_?in|auth|sso|saml/i.test(target.pathname);
  if (target !== null && target.origin !== origin && target.hostname === new URL(origin).hostname && !isSignIn)
    return new InvalidResponseError(
      `${origin} redirects ${failure.operation} to ${target.origin}: set the URL to the new address`,
      failure,
    );
  const where = target === null ? 'an unnamed place' : target.origin === origin ? target.pathname : target.origin;
  return new InvalidResponseError(
    `something in front of GitLab redirects ${failure.operation} from ${origin} to ${where} (${response.status}): ${whatStands}; let this machine through to GitLab, or check the URL`,
    failure,
  );
}

/** Whether GitLab gave a reason that is more than the name of the status. */
const isReason = (said: string): boolean => said !== '' && !/^: (?:\d{3} )?forbidden$/i.test(said);

/** GitLab's reason from an error body of any known shape, in one line: `: 404 Project Not Found`. Empty when there is none. */
function reasonIn(text: string): string {
  try {
    const body = JSON.parse(text) as Reason & { message?: unknown };
    const nested = Object(body.message) as Reason;
    const reasons = [body.errors?.[0]?.message, body.error_description, body.message, body.error, nested.error];
    const reason = reasons.find((item) => typeof item === 'string');
    return typeof reason === 'string' ? `: ${reason.replaceAll(/\s+/g, ' ').slice(0, 200)}` : '';
  } catch {
    return ''; // Not JSON, such as plain text.
  }
}

interface Reason {
  readonly error?: unknown;
  readonly error_description?: unknown;
  readonly errors?: ReadonlyArray<{ readonly message?: unknown }>;
}
