import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';

/** An answer of the fake GitLab, read. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON that ends; the text otherwise. */
  readonly body: any; // oxlint-disable-line typescript/no-explicit-any -- any shape of answer
}

type Asked = RequestInit & { readonly token?: string };

/** A world of one project, with a fake GitLab over it and the ways to ask it. */
export interface Asking {
  readonly world: World;
  readonly project: FakeProject;
  readonly fake: FakeGitlab;
  readonly send: (path: string, init?: Asked) => Promise<Answered>;
  /** REST, below the project. */
  readonly rest: (path: string) => Promise<Answered>;
  readonly ask: (query: string, variables?: object, token?: string) => Promise<Answered>;
  /** A GraphQL query for these fields of the project, in a list with the project alone. */
  readonly queryOf: (fields: string) => string;
  /** The answer to `queryOf`. */
  readonly fields: (fields: string) => Promise<Answered>;
}

/** A new world and a fake GitLab over it. */
export function createAsking(world = new World()): Asking {
  const project = world.addProject('acme/shop');
  const fake = createFakeGitlab(world);
  const send: Asking['send'] = async (path, { token = goodToken, ...init } = {}) => {
    const request = new Request(`https://gitlab.example.com${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
    const response = await fake.handle(request);
    return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
  };
  const ask: Asking['ask'] = (query, variables = {}, token = goodToken) =>
    send('/api/graphql', { method: 'POST', body: JSON.stringify({ query, variables }), token });
  const queryOf = (fields: string) => `{ projects(ids: ["gid://gitlab/Project/${project.id}"], first: 1) { nodes { ${fields} } } }`;
  return {
    world,
    project,
    fake,
    send,
    rest: (path) => send(`/api/v4/projects/${project.id}/${path}`),
    ask,
    queryOf,
    fields: (wanted) => ask(queryOf(wanted)),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
