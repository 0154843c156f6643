import { GitlabSyncError, GraphqlError, InvalidResponseError, messageOf } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';
import { printable } from '../printable.ts';

/** A GraphQL answer: data, and errors for what is missing in it. */
export interface Answer<T> {
  readonly data: T;
  readonly errors?: readonly GraphqlErrorEntry[] | undefined;
  readonly headers: Headers;
}

/**
 * Wraps the sending of an operation: an answer without data is an error, and so is one that is not GraphQL's.
 * An answer with data and errors comes back as it is: partial.
 */
export async function checkedAnswer<T>(send: () => Promise<T>, operation: string): Promise<T> {
  const answer = await send().catch((cause: unknown) => {
    if (cause instanceof GitlabSyncError || isAbort(cause)) throw cause;
    throw new InvalidResponseError(`GitLab answered ${operation} with something that is not GraphQL (${messageOf(cause).slice(0, 200)})`, {
      operation,
      cause,
    });
  });
  const { data, errors: given } = answer as Partial<Answer<unknown>>;
  const errors = given?.map((error) => (isEntry(error) ? { ...error, message: printable(error.message) } : error));
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new GraphqlError((errors ?? []).filter(isEntry), { operation });
  return errors ? { ...answer, errors } : answer;
}

/** What is no error of GraphQL's says nothing. */
const isEntry = (error: unknown): error is GraphqlErrorEntry => typeof (error as Partial<GraphqlErrorEntry> | null)?.message === 'string';

const isAbort = (error: unknown) => error instanceof Error && error.name === 'AbortError';

/** The data of an answer that is of use only when nothing is missing in it. Throws GraphqlError otherwise. */
export function completeData<T>({ data, errors }: Answer<T>, operation: string): T {
  if (errors && errors.length > 0) throw new GraphqlError(errors, { operation });
  return data;
}

/** A part of an answer that GitLab gives always; null is no empty list. Throws GraphqlError. */
export function required<T>(part: T | null | undefined, operation: string): T {
  if (part === null || part === undefined) throw new GraphqlError([{ message: 'a part of the answer is missing' }], { operation });
  return part;
}

/** GitLab's clock when it answered, in whole seconds; null when a proxy dropped the header. */
export function answeredAt({ headers }: { readonly headers: Headers }): Date | null {
  const date = new Date(headers.get('date') ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}
