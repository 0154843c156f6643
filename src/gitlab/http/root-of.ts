/** The innermost cause of an error, or of the first of several attempts. The message of fetch is only "fetch failed". */
export function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? error : rootOf(cause);
}
