/** A fetch, or a fetch with layers around it. A layer takes a `Fetch` and returns a `Fetch`. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

/** The part of RequestInit that the layers pass on. */
export interface FetchInit {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Names the request in messages: the name of a GraphQL operation, or a method and a path. */
  readonly operation: string;
  /** The caller can send a smaller request. A failure that may come from the size (5xx, a timeout) is not retried with the same size. */
  readonly isResizable?: boolean;
  /** Number of the attempt, counted from 1 by the layer that retries. */
  readonly attempt?: number;
}
