/** Where a token comes from. */
export interface TokenSource {
  readonly current: () => string;
  /** Looks for another token after one was refused; resolves to the same when there is none. */
  readonly renew: (refused: string) => Promise<string>;
}

/** A token that is what it is. */
export const fixedToken = (token: string): TokenSource => ({ current: () => token, renew: async () => token });
