import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';

/** Where the fake GitLab stands in tests. */
export const fakeUrl = 'https://gitlab.example.com';

/** A world, the fake GitLab over it, and a configuration that reads it. */
export interface FakeSetup {
  readonly world: World;
  readonly fake: FakeGitlab;
  readonly config: { readonly token: string; readonly url: string };
}

/** Mounts fake GitLabs with msw for the tests of a file. Any other request fails. The result makes a new one, at any URL. */
export function useFakeGitlab(): (url?: string, world?: World) => FakeSetup {
  const server = setupServer();
  beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
  afterEach(() => server.resetHandlers());
  afterAll(() => server.close());
  return (url = fakeUrl, world = new World()) => {
    const fake = createFakeGitlab(world);
    server.use(
      http.all(`${url}/*`, async ({ request }) => {
        const response = await fake.handle(request);
        return response.type === 'error' ? HttpResponse.error() : response;
      }),
    );
    return { world, fake, config: { token: goodToken, url } };
  };
}

/**
 * A `fetch` that a fake GitLab answers directly: for long runs, as msw keeps every request until its process ends. It listens to the
 * caller's signal: a Request hears of that signal only as long as nobody has collected the Request, which a handler that never answers
 * does not keep.
 */
export const fetchFrom =
  ({ handle }: Pick<FakeGitlab, 'handle'>): typeof globalThis.fetch =>
  async (input, init) => {
    const signal = init?.signal;
    signal?.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const stop = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const response = await Promise.race([handle(new Request(input, init)), aborted]);
      if (response.type === 'error') throw new TypeError('fetch failed');
      return response;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  };
