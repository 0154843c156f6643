/** A fetch, or a fetch with behaviour around it. Layers take one and give one back. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

/** The part of RequestInit that the layers pass on. */
export interface FetchInit {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** What is asked, for messages: a GraphQL operation's name, or a method and a path. */
  readonly operation: string;
  /** The caller can ask for less. A failure that may come from the size (5xx, a timeout) is not retried with the same size. */
  readonly isResizable?: boolean;
  /** Counted from 1, by the layer that tries again. */
  readonly attempt?: number;
}
